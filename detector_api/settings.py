"""Every setting and limit of the gateway, read from the environment: `DETECTOR_` and the name in capitals."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from detector_api.serving.channel import to_target
from detector_api.telemetry.logs import Format
from model_serving.photos import MAX_PIXELS


def _usable_address(value: str) -> str:
    to_target(value)
    return value


class Settings(BaseSettings):
    """What an operator may change; the defaults suit a laptop with the local server beside the gateway."""

    model_config = SettingsConfigDict(env_prefix="DETECTOR_", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of other sites whose pages may call, separated by commas. Empty: CORS is off."
    )

    serving_address: Annotated[str, AfterValidator(_usable_address)] = Field(
        default="127.0.0.1:8500",
        description="TensorFlow Serving's gRPC: host:port, where the name may have several addresses, or "
        "ip:port,ip:port, or a target as gRPC writes it. Calls are spread over all of them.",
    )
    model_name: str = Field(default="dog_breed", min_length=1, description="Name of the model in TensorFlow Serving.")
    deadline_seconds: float = Field(default=10.0, gt=0, description="Time from a complete photo to its answer.")
    readiness_deadline_seconds: float = Field(
        default=2.0, gt=0, description="Time for /readyz to ask the model's state."
    )

    log_format: Format = Field(default="text", description="A log line is text for people, or a JSON object.")

    max_upload_bytes: int = Field(default=20 * 1024 * 1024, gt=0, description="Size of the largest request body.")
    max_pixels: int = Field(default=MAX_PIXELS, gt=0, description="Width times height of the largest photo.")
    decode_threads: int = Field(
        default=os.cpu_count() or 1, gt=0, description="Photos decoded at once, each on one core."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
