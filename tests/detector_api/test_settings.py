"""Settings come from the environment and refuse what cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from detector_api.settings import Settings


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is named `DETECTOR_` and its name in capitals; origins are separated by commas."""
    monkeypatch.setenv("DETECTOR_SERVING_ADDRESS", "serving:8500")
    monkeypatch.setenv("DETECTOR_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = Settings()
    assert settings.serving_address == "serving:8500"
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_settings_are_all_described() -> None:
    """Every setting says what it is for."""
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"deadline_seconds": 0},
        {"max_upload_bytes": -1},
        {"port": 70_000},
        {"decode_threads": 0},
        {"serving_address": ""},
        {"serving_address": "serving-1:8500,serving-2:8500"},
        {"log_format": "xml"},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    """A limit that would refuse everything, or an address that cannot be, stops the gateway at its start."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Settings(**wrong)
