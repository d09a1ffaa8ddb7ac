"""Fixtures of the rooms below: the gateway's for `dog-breed predict`, the page's for the front."""

from tests.detector_api.conftest import (
    gateway,
    gateway_threads,
    kept_pools,
    photo,
    serving,
    share_pools,
    start_gateway,
    start_serving,
)
from tests.detector_app.conftest import dead_address, serve

__all__ = [
    "dead_address",
    "gateway",
    "gateway_threads",
    "kept_pools",
    "photo",
    "serve",
    "serving",
    "share_pools",
    "start_gateway",
    "start_serving",
]
