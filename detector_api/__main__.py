"""Run the gateway: `python -m detector_api`."""

from __future__ import annotations

import uvicorn

from detector_api.main import create_app
from detector_api.settings import Settings
from detector_api.telemetry.logs import configuration


def main() -> None:
    """Serve until interrupted."""
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        server_header=False,
        log_config=configuration(settings.log_format),
        access_log=False,  # `telemetry` writes a line for each request that says more
    )


if __name__ == "__main__":
    main()
