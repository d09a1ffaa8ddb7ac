"""The benchmark of two nodes tells right from wrong, and its network is one: a node that is cut off is not reached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from benchmarks.load import Outcome
from benchmarks.nodes.__main__ import describe

# Connects to a node, which answers; pulls its cable, plugs it in, and connects again.
PROGRAM = """
import socket, subprocess, sys
from benchmarks.nodes.network import enter, node
enter("")  # in a network of its own already
with node(1) as one:
    serve = "import socket; s = socket.create_server(('%s', 80))\\nwhile True: s.accept()[0].close()" % one.address
    server = subprocess.Popen(one.command(sys.executable, "-c", serve))
    def reaches():
        try:
            socket.create_connection((one.address, 80), timeout=1).close()
        except OSError:
            return False
        return True
    while not reaches():
        pass
    one.cut_off()
    cut = reaches()
    one.join()
    print(cut, reaches() or reaches() or reaches())
    server.kill()
"""


def answer(version: int, breed: str) -> Outcome:
    body = {"breed": breed, "predictions": [{"confidence": 0.5}], "model": {"version": version}}
    return Outcome(0, 0.0, 200, 0.1, None, json.dumps(body).encode())


def test_describe_judges_each_answer_by_its_version() -> None:
    """An answer is right if its own version gives it, and not because another one does."""
    known = {1: [answer(1, "Akita")], 2: [answer(2, "Beagle")]}
    refused = Outcome(0, 0.0, 503, 3.0, "2", b"")
    lost = Outcome(0, 0.0, 0, 9.0, None, b"")
    told = describe([answer(1, "Akita"), answer(2, "Beagle"), answer(2, "Akita"), refused, lost], known)
    assert told == "refused 1, right 2, status 0 1, wrong 1 (1 by version 1, 2 by version 2); slowest 9.0 s"


def test_cut_off_node_is_not_reached_until_it_joins(require: Callable[[object, str], None]) -> None:
    """A node answers, is not reached while its cable is out, and answers again."""
    require(os.geteuid() == 0 and shutil.which("ip") and shutil.which("unshare"), "root, iproute2 and util-linux")
    command = ["unshare", "--net", sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"BENCHMARK_NETWORK": "1"})
    if "Operation not permitted" in run.stderr:
        pytest.skip("this machine lets nobody make network namespaces")
    assert run.stdout == "False True\n", run.stderr
