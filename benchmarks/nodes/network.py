"""A network within this machine: this process is the front, and each node is a network namespace on a cable to it.

Needs Linux, root and iproute2. Namespaces, cables and routes are gone when their processes are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSIDE = "BENCHMARK_NETWORK"
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def enter(module: str) -> None:
    """Begin the module anew in a network of its own, unless it runs in one; raises OSError without the rights."""
    if INSIDE in os.environ:
        _ip("link", "set", "lo", "up")
        FORWARDING.write_text("1")
        return
    command = ["unshare", "--net", sys.executable, "-m", module, *sys.argv[1:]]
    os.execvpe(command[0], command, os.environ | {INSIDE: "1"})


class Node:
    """A machine of its own, as far as the network goes."""

    def __init__(self, number: int, pid: int) -> None:
        self.address = f"10.77.{number}.2"
        self._front = f"10.77.{number}.1"
        self._cable = f"node{number}"
        self._inside = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        _ip("address", "add", f"{self._front}/24", "dev", self._cable)
        _ip("link", "set", self._cable, "up")
        self._do("address", "add", f"{self.address}/24", "dev", "eth0")
        self._do("link", "set", "lo", "up")
        self.join()

    def command(self, *command: str) -> list[str]:
        """Return how a command is run on the node."""
        return [*self._inside, *command]

    def cut_off(self) -> None:
        """Pull the cable: what is sent either way is lost, and nobody is told."""
        self._do("link", "set", "eth0", "down")

    def join(self) -> None:
        """Plug the cable in."""
        self._do("link", "set", "eth0", "up")
        self._do("route", "add", "default", "via", self._front)

    def _do(self, *arguments: str) -> None:
        subprocess.run([*self._inside, "ip", *arguments], check=True)


@contextmanager
def node(number: int) -> Iterator[Node]:
    """Yield a node, which is there until the block ends."""
    ours = Path("/proc/self/ns/net").readlink()
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        while Path(f"/proc/{holder.pid}/ns/net").readlink() == ours:
            time.sleep(0.01)
        yield Node(number, holder.pid)
    finally:
        holder.terminate()
        holder.wait()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
