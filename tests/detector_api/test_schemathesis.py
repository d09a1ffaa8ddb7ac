"""The gateway against its own OpenAPI document: generated calls, valid and not, and every check on their answers."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.specs.openapi.formats import unregister_string_format

ONE, MANY = "/api/v1/predict_breed", "/api/v1/predict_breeds"


def encoded(kind: str, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (9, 7), 1).save(buffer, kind)
    return buffer.getvalue()


PHOTOS = [encoded("JPEG"), encoded("PNG"), encoded("WEBP"), encoded("GIF", "P"), encoded("TIFF"), encoded("JPEG", "L")]


PHOTO = st.sampled_from(PHOTOS)
CUT = st.builds(lambda photo, end: photo[:end], PHOTO, st.integers(1, 60))
LENGTHENED = st.builds(lambda photo, more: photo + more, PHOTO, st.binary(max_size=40))
ANY_FILE = st.one_of(CUT, LENGTHENED, st.binary(max_size=200))


@pytest.fixture
def generate_files() -> Iterator[Callable[[st.SearchStrategy[bytes]], None]]:
    """Return a function that sets what generated files are."""
    yield lambda strategy: schemathesis.openapi.format("binary", strategy)
    unregister_string_format("binary")


def check(operation: Any, mode: GenerationMode, *excluded: Any) -> Counter[int]:
    """Make calls of an operation, the same in every run; return how often each status came."""
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=settings.default.max_examples if operation.body else 5,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        response = case.call(timeout=60)
        statuses[response.status_code] += 1
        case.validate_response(response, excluded_checks=excluded)

    call()
    return statuses


def operations_of(gateway: Any) -> dict[str, Any]:
    document = schemathesis.openapi.from_url(f"{gateway.base_url}/openapi.json")
    return {operation.path: operation for operation in (result.ok() for result in document.get_all_operations())}


def test_valid_calls_are_answered(gateway: Any, generate_files: Any) -> None:
    """Every call that the document allows, with photos, succeeds as documented: status, type, headers and body."""
    generate_files(PHOTO)
    statuses = {path: check(one, GenerationMode.POSITIVE) for path, one in operations_of(gateway).items()}
    print(statuses)
    assert {"/livez", "/readyz", "/metrics", "/api/v1/model", ONE, MANY} <= set(statuses)
    least = settings.default.max_examples * 2 // 3  # some are drawn twice
    assert statuses[ONE][200] == statuses[ONE].total() >= least
    assert statuses[MANY][200] == statuses[MANY].total() >= least


def test_spoilt_files_are_refused_as_documented(gateway: Any, generate_files: Any) -> None:
    """Files that are no photo, or a damaged one, never cause an error of ours, nor one that is not documented."""
    generate_files(ANY_FILE)
    operations = operations_of(gateway)
    statuses = {
        path: check(operations[path], GenerationMode.POSITIVE, positive_data_acceptance) for path in (ONE, MANY)
    }
    print(statuses)
    # A fuzzer that is never let in, or never refused, has seen nothing.
    assert all(statuses[ONE][status] for status in (200, 415, 422))


def test_invalid_calls_are_refused_as_documented(gateway: Any, generate_files: Any) -> None:
    """Calls that break the document's rules are refused; in a stream each file is, in its own line."""
    generate_files(PHOTO)
    operations = operations_of(gateway)
    statuses = {
        ONE: check(operations[ONE], GenerationMode.NEGATIVE),
        MANY: check(operations[MANY], GenerationMode.NEGATIVE, negative_data_rejection),
    }
    print(statuses)
    # What is left is right on the wire after all: in a form every value is text. How much that is, is the draw's.
    assert all(statuses[path][status] for path in (ONE, MANY) for status in (400, 422))
