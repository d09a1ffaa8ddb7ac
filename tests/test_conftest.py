"""The rules that tests/conftest.py sets for all tests."""

from __future__ import annotations

import os

import pytest


def test_tests_of_a_file_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """Under several processes a test carries the group of its file, by which they are dealt out."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("there is one process")
    assert request.node.nodeid.endswith("@test_conftest.py")
