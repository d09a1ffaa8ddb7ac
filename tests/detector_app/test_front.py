"""The laptop's stand-in for nginx: what a browser is told alike by both."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from detector_api.main import create_app
from detector_api.settings import Settings
from detector_app.front import create_front

TEMPLATE = Path(__file__).parents[2] / "detector_app" / "nginx" / "default.conf.template"
Serve = Callable[[ASGIApp], AbstractContextManager[str]]


def headers_of_nginx() -> dict[str, str]:
    """Return the headers of constant value that nginx adds to every answer."""
    added = re.findall(
        r'^    add_header ([\w-]+) (?:"([^"]*)"|([^$\s;]+)) always;$', TEMPLATE.read_text(), re.MULTILINE
    )
    return {name.lower(): quoted or bare for name, quoted, bare in added}


@pytest.fixture
def front(serve: Serve, dead_address: str) -> Iterator[httpx.Client]:
    """A client of the front, with no model server behind it."""
    with (
        serve(create_front(create_app(Settings(serving_address=dead_address)), dead_address)) as address,
        httpx.Client(base_url=f"http://{address}") as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/", "/js/main.js", "/nothing", "/api/v1/model", "/v1/models/dog_breed"])
def test_get_answer_has_each_security_header_of_nginx_once(front: httpx.Client, path: str) -> None:
    """Page, gateway and model server, and their errors, come with the same policy as behind nginx."""
    expected = headers_of_nginx()
    assert "content-security-policy" in expected
    headers = front.get(path).headers
    assert {name: headers.get_list(name) for name in expected} == {name: [value] for name, value in expected.items()}


def test_get_docs_may_load_its_viewer(front: httpx.Client) -> None:
    """The API's documentation is shown by a script from another host, which the page's policy would forbid."""
    answer = front.get("/docs")
    assert answer.status_code == 200
    assert "content-security-policy" not in answer.headers


def test_get_metrics_is_not_for_the_outside(front: httpx.Client) -> None:
    """The front shows the gateway's metrics to nobody, as nginx does not."""
    assert front.get("/metrics").status_code == 404
