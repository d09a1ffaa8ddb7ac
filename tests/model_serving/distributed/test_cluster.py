"""Ray keeps to this machine, and says clearly when it cannot."""

from __future__ import annotations

import importlib
import ipaddress
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import model_serving.distributed
from model_serving.distributed.cluster import count_blocks
from model_serving.errors import DistributedError

TIMEOUT = 120


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process and those below it have started."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from descendants(child)


def sockets(pids: set[int]) -> Iterator[tuple[str, str]]:
    """Yield the local and the remote address, in hexadecimal digits, of each socket of some processes."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(link.readlink().name)
            except FileNotFoundError:  # closed meanwhile
                continue
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in inodes:
                yield fields[1].split(":")[0], fields[2].split(":")[0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_cluster_of_this_machine_keeps_to_the_loopback_address(ray_cluster: int) -> None:
    """No part of Ray listens to the network or talks to it: no usage statistics, no dashboard."""
    pids = set(descendants(os.getpid()))
    assert any(b"raylet" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)
    found = list(sockets(pids))
    assert found
    for local, remote in found:
        assert _is_loopback(local), local
        assert _is_loopback(remote) or not remote.strip("0"), remote


def _is_loopback(address: str) -> bool:
    """Tell of an address as the kernel prints it, each four bytes in the machine's order."""
    words = [bytes.fromhex(address[start : start + 8]) for start in range(0, len(address), 8)]
    whole = b"".join(words if sys.byteorder == "big" else [word[::-1] for word in words])
    return ipaddress.ip_address(whole.removeprefix(bytes(10) + b"\xff\xff")).is_loopback


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:1"])
def test_cluster_that_is_not_there_names_its_address(address: str) -> None:
    """A RAY_ADDRESS with nothing behind it is one line."""
    program = "from model_serving.distributed.cluster import cluster\nwith cluster(): pass"
    command, environment = [sys.executable, "-c", program], os.environ | {"RAY_ADDRESS": address}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith(f"model_serving.errors.DistributedError: There is no Ray cluster to be had at {address!r}: ")


def test_import_without_ray_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who has not installed Ray is told how."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DistributedError, match=r"pip install 'dog-breed-detector\[distributed\]'"):
        importlib.reload(model_serving.distributed)


@pytest.mark.parametrize(("photos", "blocks"), [(1, 1), (32, 1), (33, 2), (10_000, 313), (10_000_000, 9_766)])
def test_count_blocks_suits_few_and_many(photos: int, blocks: int) -> None:
    """A few photos are shared among the workers, and ten million are no more than ten thousand files."""
    assert count_blocks(photos) == blocks
