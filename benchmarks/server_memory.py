"""The local server's resident memory after 10,000 requests from 8 clients, as a ratio to that after 1,000.

.venv/bin/python -m benchmarks.server_memory [--backbone efficientnet_lite2]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.processes import resident_megabytes
from benchmarks.server import serving
from benchmarks.stack import export_random
from model_serving.backbones.registry import BACKBONES

CLIENTS = 8
EARLY, LATE = 1_000, 10_000


def main() -> None:
    """Export a model with random weights, serve it, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="efficientnet_lite2")
    backbone = parser.parse_args().backbone

    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "dog_breed"
        export_random(backbone, model)
        with serving(model, BACKBONES[backbone].geometry.size) as clients:
            clients.run(CLIENTS, EARLY)
            early = resident_megabytes(clients.pid)
            clients.run(CLIENTS, LATE - EARLY)
            late = resident_megabytes(clients.pid)
    print(f"resident memory after {LATE:,} requests: {late / early:.3f} of that after {EARLY:,} ({early:.0f} MB)")


if __name__ == "__main__":
    main()
