"""The Ray cluster that the work is spread over, and the photos as Ray reads them."""

from __future__ import annotations

import logging
import math
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_serving.data.batches import BATCH
from model_serving.data.files import open_file
from model_serving.errors import DistributedError

if TYPE_CHECKING:
    import ray.data

# What Ray keeps in shared memory on this machine: photos on their way to the workers, a few blocks each.
OBJECT_STORE_BYTES = 512 << 20
# A block of photos is what a worker takes at once, what is written as one file, and what a kill costs. The fewest keep
# the workers evenly busy at the end, the most keep ten million photos in ten thousand files.
BLOCK_PHOTOS = (32, 1024)
_BLOCKS = 1000
CONNECT_SECONDS = 10.0


@contextmanager
def cluster(workers: int | None = None) -> Iterator[int]:
    """Connect to the cluster of `RAY_ADDRESS`, or start one on this machine for the time of the block.

    Yields the number of workers: `workers`, or one a core. A cluster of this machine listens on the loopback address
    alone. A process that is connected already stays so. Raises `DistributedError` if the cluster cannot be reached, and
    for what Ray raises within.
    """
    address = os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")  # there is a progress line already
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is raised
    if not address:
        # Ray's switch, read at its import, for staying on the loopback address; the name tells where it is the default.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray
    import ray.data.exceptions
    import ray.exceptions

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    connected = ray.is_initialized()
    if not connected:
        _connect(address, workers)
    try:
        yield workers or int(ray.cluster_resources()["CPU"])
    except (ray.exceptions.RayError, ray.data.exceptions.ExecutionTimeoutError) as error:
        raise DistributedError(f"Ray gave up: {_first_line(error)}. Run the command again to go on.") from error
    finally:
        if not connected:
            ray.shutdown()


def _connect(address: str | None, workers: int | None) -> None:
    import ray

    settings: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if not address:
        settings |= {"num_cpus": workers, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if port.isdecimal():  # Ray itself would go on asking for minutes
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        ray.init(address or "local", **settings)
    except (OSError, RuntimeError, ValueError) as error:
        raise DistributedError(
            f"There is no Ray cluster to be had at {address!r}: {_first_line(error)}. Start one there, or unset "
            "RAY_ADDRESS to work on this machine."
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


def split_readable(paths: Sequence[Path]) -> tuple[list[Path], dict[Path, str]]:
    """Return the files that Ray can read, and why it cannot read each of the others, one of which would end the job."""
    reasons = {path: reason for path in paths if (reason := _why_unreadable(path))}
    return [path for path in paths if path not in reasons], reasons


def _why_unreadable(path: Path) -> str | None:
    try:
        str(path).encode()
        with open_file(path):
            return None
    except UnicodeEncodeError:
        return "the file's name is not UTF-8"
    except OSError as error:
        return str(error)


def map_photos(paths: Sequence[Path], worker: type, arguments: Sequence[Any], workers: int) -> ray.data.Dataset:
    """Return what `worker(*arguments)`, held by each of so many actors, makes of batches of encoded photos.

    A batch has the columns `path` and `bytes`. The cores belong to the actors: reading and writing wait for disks. If
    an actor is killed, Ray starts another and gives it the same photos; if none gets any further for half an hour, it
    gives up.
    """
    import pyarrow.fs
    import ray.data

    blocks = count_blocks(len(paths))
    photos = ray.data.read_binary_files(
        [str(path) for path in paths],
        include_paths=True,
        filesystem=pyarrow.fs.LocalFileSystem(),  # a path is a path, whatever colons and percent signs it has
        override_num_blocks=blocks,
        num_cpus=0,
        concurrency=min(workers, blocks),
    )
    return photos.map_batches(
        worker,
        fn_constructor_args=arguments,
        batch_size=BATCH,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=min(workers, blocks)),
    )


def count_blocks(photos: int) -> int:
    """Return how many blocks so many photos are read in."""
    fewest, most = BLOCK_PHOTOS
    return math.ceil(photos / (min(max(fewest, photos // _BLOCKS), most) // BATCH * BATCH))
