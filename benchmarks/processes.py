"""Starting and watching the parts that a benchmark measures."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_SECONDS = 120


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends, and what it starts, as a process group; their output is dropped."""
    nowhere = subprocess.DEVNULL
    variables = os.environ | dict(environment or {})
    process = subprocess.Popen(command, env=variables, stdout=nowhere, stderr=nowhere, start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def ask(process: subprocess.Popen[str], line: str) -> str:
    """Send a process a line by its standard input, and return the line that it answers; both are pipes of text."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline()


def free_port() -> int:
    """Return a port of the loopback address that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_http(url: str) -> None:
    """Return once `url` answers 200; raises `TimeoutError` if it does not in time."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer within {START_SECONDS} s")


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process and its children (Linux)."""
    return sum(_resident_megabytes(one) for one in (pid, *children(pid)))


def cpu_seconds(pid: int, *, alone: bool = False) -> float:
    """Return the CPU time that a process and its children, or it alone, have used (Linux)."""
    return sum(_cpu_seconds(one) for one in (pid, *([] if alone else children(pid))))


def _resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # Of user and kernel, by itself and by children that have ended.
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Return the child processes of a process (Linux)."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread has ended
            found += map(int, (task / "children").read_text().split())
    return found
