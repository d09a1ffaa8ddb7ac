"""Run the gateway: `python -m detector_api`."""

from __future__ import annotations

import uvicorn

from detector_api.main import create_app
from detector_api.settings import Settings


def main() -> None:
    """Serve until interrupted."""
    settings = Settings()
    # nginx before it keeps the access log; here it would mostly tell of health checks.
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, server_header=False, access_log=False)


if __name__ == "__main__":
    main()
