"""The arithmetic from measured rates to replicas, as its command prints it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
RATES = "--photos-per-core-second 10 --gateway-milliseconds 10 --photo-kilobytes 100 --cores-per-server 4"


def run(module: str, arguments: str) -> str:
    """Run a module of the repository and return what it prints."""
    command = [sys.executable, "-m", module, *arguments.split()]
    return subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout


def plan(arguments: str) -> dict[str, list[str]]:
    """Return the rows of the table that is printed, by their number of photos an hour."""
    rows = [line.strip("| ").split(" | ") for line in run("deploy.capacity", arguments).splitlines()[2:]]
    return {photos: rest for photos, *rest in rows}


def test_plan_million_photos_counts_everything() -> None:
    """A million an hour are 556 a second at the peak, which 79 cores do at ease, in 20 servers and one to spare."""
    cores, servers, gateways, memory = "79.4", "21", "9", "25.5 GB"
    assert plan(RATES)["1,000,000"] == ["555.56", cores, servers, gateways, memory, "444.4 Mbit/s", "669.0 Mbit/s"]


def test_plan_quiet_hour_has_one_to_spare() -> None:
    """Even the least load gets two of each, so that one may go."""
    assert plan(RATES)["100"][2:4] == ["2", "2"]


def test_plan_gpus_replaces_serving_cores_alone() -> None:
    """A GPU takes the place of the server's cores; the gateways stay."""
    found = plan(f"{RATES} --photos-per-gpu-second 500")["1,000,000"]
    assert found[1:4] == ["–", "3", plan(RATES)["1,000,000"][3]]


def test_plan_job_shares_its_core_hours_among_machines() -> None:
    """A million photos at 10 per core-second are 31 core-hours: four cores, one machine, end within 8 hours."""
    rates = "--job 1000000 --photos-per-core-second 10 --photo-kilobytes 100 --worker-gigabytes 1 --core-hour-price 0.1"
    rows = plan(rates)
    assert rows["1"] == ["31", "3.09", "31", "8", "47 GB", "0.1 TB", "222 Mbit/s", "0.1 GB"]
    assert rows["8"][2:5] == ["4", "1", "6 GB"]


def test_plan_of_neither_load_nor_job_asks_for_one() -> None:
    """Without either, the command says what it needs."""
    with pytest.raises(subprocess.CalledProcessError):
        run("deploy.capacity", "--photos-per-core-second 10")


def test_read_tables_of_readme_are_computed() -> None:
    """Each table of the README is what the command above it prints."""
    text = (REPOSITORY / "deploy" / "README.md").read_text()
    examples = re.findall(r"```sh\n\S+ -m (deploy\.capacity) ([^\n]*)\n```\n\n((?:\|[^\n]*\n)+)", text)
    assert len(examples) == 4
    for module, arguments, table in examples:
        assert run(module, arguments) == table


def test_measure_prints_arguments_of_plan(starter_model: Path, shared_images: Path) -> None:
    """The printed measurements of a machine are valid arguments of the plan."""
    photo = shared_images / "dogs" / "Brittany_02625.jpg"
    measured = run("deploy.measure", f"{starter_model} {photo} --photos 8")
    assert plan(measured)["10,000"][0] == "5.56"
