"""Servers, gateways, gigabytes and megabits that an hourly number of photos needs; deploy/README.md explains them.

.venv/bin/python -m deploy.capacity --photos-per-core-second 7.8 --gateway-milliseconds 9

The same for one job over many photos, with `dog-breed score --engine ray`:

.venv/bin/python -m deploy.capacity --job 10000000 --photos-per-core-second 20 --worker-gigabytes 1
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass

PHOTOS_PER_HOUR = (100, 10_000, 1_000_000)

# The busiest minute of a day against its busiest hour.
PEAK = 2.0
# Of the cores, at the peak. Before a server that is always busy the queue has no end; at 0.7 it stays short.
UTILISATION = 0.7
# What can be drained, restarted or lost without being missed.
SPARE = 1
# Resident gigabytes, generously: DenseNet201's graph and the buffers of a batch; two large photos being decoded.
SERVER_GIGABYTES = 1.0
GATEWAY_GIGABYTES = 0.5
# A job may keep its cores busy but for its start, its last blocks, and blocks that a lost machine takes with it.
JOB_UTILISATION = 0.9
JOB_HOURS = (1, 8, 24, 72)
# What Ray keeps on a machine beside the workers: its own processes, and photos on their way to them.
RAY_GIGABYTES = 2.0
# A row of the answers in Parquet: 72 in a file of a thousand.
ROW_BYTES = 80
# One uint8 tensor of 224x224x3; the answer, with a probability for every breed, is under a kilobyte.
TENSOR_BYTES = 224 * 224 * 3


@dataclass(frozen=True)
class Rates:
    """Rates of one core or one GPU, as deploy/measure.py measures them."""

    photos_per_core_second: float
    gateway_milliseconds: float
    photo_kilobytes: float = 200
    cores_per_server: int = 4
    photos_per_gpu_second: float | None = None


@dataclass(frozen=True)
class Plan:
    """The machines needed; with GPUs a server has one, and `serving_cores` is 0."""

    photos_per_hour: int
    photos_per_second: float
    serving_cores: float
    servers: int
    gateway_cores: float
    gateways: int
    gigabytes: float
    megabits_in: float
    megabits_inside: float


def plan(photos_per_hour: int, rates: Rates) -> Plan:
    """Return what an hourly number of photos needs at the peak, with a server and a gateway to spare."""
    peak = photos_per_hour / 3600 * PEAK
    if rates.photos_per_gpu_second:
        serving_cores, busy = 0.0, peak / rates.photos_per_gpu_second / UTILISATION
    else:
        serving_cores = peak / rates.photos_per_core_second / UTILISATION
        busy = serving_cores / rates.cores_per_server
    # A gateway is one process, whose event loop is one core at most.
    gateway_cores = peak * rates.gateway_milliseconds / 1000 / UTILISATION
    servers, gateways = math.ceil(busy) + SPARE, math.ceil(gateway_cores) + SPARE
    return Plan(
        photos_per_hour,
        peak,
        serving_cores,
        servers,
        gateway_cores,
        gateways,
        servers * SERVER_GIGABYTES + gateways * GATEWAY_GIGABYTES,
        peak * rates.photo_kilobytes * 8 / 1000,
        peak * TENSOR_BYTES * 8 / 1e6,
    )


@dataclass(frozen=True)
class Job:
    """The machines for a job over a number of photos that is to end after so many hours, with workers alone on them."""

    hours: float
    core_hours: float
    cores: int
    machines: int
    gigabytes: float
    megabits_in: float


def job(photos: int, hours: float, rates: Rates, worker_gigabytes: float) -> Job:
    """Return what it takes to answer `photos` in `hours`, with one worker a core."""
    core_hours = photos / rates.photos_per_core_second / JOB_UTILISATION / 3600
    cores = math.ceil(core_hours / hours)
    machines = math.ceil(cores / rates.cores_per_server)
    return Job(
        hours,
        core_hours,
        cores,
        machines,
        cores * worker_gigabytes + machines * RAY_GIGABYTES,
        photos * rates.photo_kilobytes * 8 / 1000 / (hours * 3600),
    )


def job_table(photos: int, rates: Rates, worker_gigabytes: float, core_hour_price: float) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row for each time that the job may take."""
    yield (
        f"| hours | core-hours | cost | cores | machines ({rates.cores_per_server} cores each) | memory, all together "
        "| photos | read at | answers |"
    )
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for hours in JOB_HOURS:
        one = job(photos, hours, rates, worker_gigabytes)
        yield (
            f"| {one.hours} | {one.core_hours:,.0f} | {one.core_hours * core_hour_price:,.2f} | {one.cores} "
            f"| {one.machines} | {one.gigabytes:,.0f} GB | {photos * rates.photo_kilobytes / 1e9:,.1f} TB "
            f"| {one.megabits_in:,.0f} Mbit/s | {photos * ROW_BYTES / 1e9:,.1f} GB |"
        )


def table(rates: Rates) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row for each number of photos."""
    unit = "GPU each" if rates.photos_per_gpu_second else f"{rates.cores_per_server} cores each"
    yield (
        f"| photos an hour | a second, at the peak | serving cores busy | servers ({unit}) | gateways | memory "
        "| from outside | to the servers |"
    )
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for photos in PHOTOS_PER_HOUR:
        one = plan(photos, rates)
        cores = "–" if rates.photos_per_gpu_second else f"{one.serving_cores:.1f}"
        yield (
            f"| {one.photos_per_hour:,} | {one.photos_per_second:.2f} | {cores} | {one.servers} | {one.gateways} "
            f"| {one.gigabytes:.1f} GB | {one.megabits_in:.1f} Mbit/s | {one.megabits_inside:.1f} Mbit/s |"
        )


def main() -> None:
    """Print the table for the rates of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos-per-core-second", type=float, required=True)
    parser.add_argument("--photo-kilobytes", type=float, default=Rates.photo_kilobytes)
    parser.add_argument("--cores-per-server", type=int, default=Rates.cores_per_server, help="of a job's machine too")
    service = parser.add_argument_group("to serve")
    service.add_argument("--gateway-milliseconds", type=float, help="CPU time of the gateway for a photo")
    service.add_argument("--photos-per-gpu-second", type=float, help="the servers have a GPU each, this fast")
    batch = parser.add_argument_group("one job")
    batch.add_argument("--job", type=int, metavar="PHOTOS", help="how many photos it has")
    batch.add_argument("--worker-gigabytes", type=float, default=1.0, help="resident memory of a worker (%(default)s)")
    batch.add_argument("--core-hour-price", type=float, default=0.05, help="what a core costs (%(default)s)")
    options = parser.parse_args()
    if (options.job is None) == (options.gateway_milliseconds is None):
        parser.error("give either --gateway-milliseconds, to serve, or --job")
    rates = Rates(
        options.photos_per_core_second,
        options.gateway_milliseconds or 0.0,
        options.photo_kilobytes,
        options.cores_per_server,
        options.photos_per_gpu_second,
    )
    if options.job is None:
        lines = table(rates)
    else:
        lines = job_table(options.job, rates, options.worker_gigabytes, options.core_hour_price)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
