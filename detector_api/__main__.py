"""Run the gateway: `python -m detector_api`."""

from __future__ import annotations

import argparse
import signal
import sys

import uvicorn

from detector_api.http.protocol import server_config
from detector_api.main import create_app
from detector_api.memory import tune_memory
from detector_api.settings import Settings


def main() -> None:
    """Serve until interrupted or told to end, and then answer the photos in work."""
    description = "The gateway. Its settings are environment variables: see detector_api/README.md."
    argparse.ArgumentParser("python -m detector_api", description=description).parse_args()
    # uvicorn raises the signal again when it has shut down, which would make a good end look like a bad one.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: sys.exit(0))
    settings = Settings()
    server = uvicorn.Server(server_config(create_app(settings), settings))
    tune_memory()
    server.run()


if __name__ == "__main__":
    main()
