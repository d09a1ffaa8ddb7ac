"""What HTTP itself shows: pages of other origins may call if the flag allows it."""

from __future__ import annotations

import httpx
import pytest

PATH = "/v1/models/gadgets"


@pytest.fixture
def open_client(models, run_server, tmp_path):
    """A client of a server with --rest_api_enable_cors_support."""
    models.install(tmp_path)
    return run_server(tmp_path, rest_api_enable_cors_support=True)


def test_cors_switched_on_lets_other_origins_in(open_client):
    """Answers and errors carry the headers, and a browser's question before a call is answered."""
    for response in (open_client.get(PATH), open_client.get("/v1/models/foo")):
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-methods"] == "POST, GET"
        assert response.headers["access-control-allow-headers"] == "Content-Type"
    url = open_client.rest_url + PATH + ":predict"
    allowed = httpx.options(url, headers={"Origin": "https://example.org"})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "*")
    assert httpx.options(url).status_code == 400


def test_cors_switched_off_sends_no_headers(client):
    """Without the flag browsers keep pages of other origins out."""
    assert "access-control-allow-origin" not in client.get(PATH).headers
    response = httpx.options(client.rest_url + PATH, headers={"Origin": "https://example.org"})
    assert (response.status_code, response.json()) == (400, {"error": f"Malformed request: OPTIONS {PATH}"})
