"""Fixtures of the rooms below: the gateway's for `dog-breed predict`, the page's for the front."""

from tests.detector_api.conftest import gateway, gateway_threads, photo, serving, start_gateway, start_serving
from tests.detector_app.conftest import dead_address, serve

__all__ = [
    "dead_address",
    "gateway",
    "gateway_threads",
    "photo",
    "serve",
    "serving",
    "start_gateway",
    "start_serving",
]
