"""Photos that are being received take no more memory together than the setting says."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from detector_api.errors import OverloadedError
from detector_api.http.memory_budget import MemoryBudget

URL = "/api/v1/predict_breed"


def test_reserve_gives_back_all_that_it_reserved() -> None:
    """An upload's share of the budget is free when it ends, however it ends."""
    budget = MemoryBudget(100)
    with budget.reserve() as first, budget.reserve() as second:
        first(60)
        second(40)
        with pytest.raises(OverloadedError):
            first(1)
    with budget.reserve() as third:
        third(100)


def test_predict_breed_beyond_all_buffers_is_503_until_there_is_room(
    serving: Any, start_gateway: Any, photo: bytes
) -> None:
    """While one slow upload holds the room, another is refused and told to come back; once it has left, all is well."""
    gateway = start_gateway(serving_address=serving.address, max_buffered_bytes=100_000)
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    head += 'Content-Length: 90000\r\n\r\n--b\r\nContent-Disposition: form-data; name="dog_image"\r\n\r\n'

    def post() -> Any:
        return gateway.post(URL, files={"dog_image": photo, "padding": b"x" * 20_000})

    with socket.create_connection((gateway.base_url.host, gateway.base_url.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"x" * 85_000)
        while (refused := post()).status_code == 200:
            pass  # the slow one has not been read yet
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) > 0
    while (answer := post()).status_code == 503:
        pass  # that the slow one has left is not known yet
    assert answer.status_code == 200
