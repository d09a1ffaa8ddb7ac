"""Every setting and limit of the gateway, read from the environment: `DETECTOR_` and the name in capitals."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field, HttpUrl, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from detector_api.serving.channel import to_target
from detector_api.telemetry.logs import Format
from model_serving.photos import MAX_PIXELS


def _usable_address(value: str) -> str:
    to_target(value)
    return value


def _usable_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]{16,}", key.get_secret_value()):
        raise ValueError("an API key has at least 16 characters, of ASCII without spaces")
    return key


def _usable_network(value: str) -> str:
    ipaddress.ip_network(value)
    return value


class Settings(BaseSettings):
    """Settings of the gateway; the defaults suit a laptop with the local server beside it."""

    # An API key that is refused is not quoted either.
    model_config = SettingsConfigDict(env_prefix="DETECTOR_", frozen=True, hide_input_in_errors=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of other sites whose pages may call, separated by commas. Empty: CORS is off."
    )
    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_usable_network)], ...], NoDecode] = Field(
        default=("127.0.0.1", "::1"),
        description="Addresses or networks, separated by commas, of the proxies whose X-Forwarded-For tells a client's "
        "address. Each must overwrite or append to what it was sent.",
    )
    api_keys: Annotated[tuple[Annotated[SecretStr, AfterValidator(_usable_key)], ...], NoDecode] = Field(
        default=(),
        description="Secrets, separated by commas, of which a call of /api/ must bring one, as `Authorization: Bearer` "
        "or `X-API-Key`. Several, so that one can be replaced without a pause. The page brings none. Empty: anyone may "
        "call.",
    )
    photos_per_minute: int | None = Field(
        default=None,
        gt=0,
        description="Photos that one client, known by its API key or else its address, may send in a minute: as many "
        "at once, then at that rate. Unset: any number.",
    )

    serving_address: Annotated[str, AfterValidator(_usable_address)] = Field(
        default="127.0.0.1:8500",
        description="TensorFlow Serving's gRPC: host:port, where the name may have several addresses, or "
        "ip:port,ip:port, or a target as gRPC writes it. Calls are spread over all of them.",
    )
    model_name: str = Field(default="dog_breed", min_length=1, description="Name of the model in TensorFlow Serving.")
    model_config_file: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = Field(
        default=None,
        description="The servers' `models.config` of `dog-breed canary`, or where it will be: read anew every second. "
        "Callers are then answered by the label `stable`, and as many by `canary` as the file says. Unset, or while "
        "there is no file: by the latest version.",
    )
    canary_percent: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Share of the callers, in percent, whom the label `canary` answers where the file names none. "
        "A caller, known by its API key or else its address, keeps its version; what the canary does not answer is "
        "asked again of `stable`.",
    )
    deadline_seconds: float = Field(
        default=15.0, gt=0, description="Time from a complete photo to its answer, the wait for its turn included."
    )
    max_wait_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Time that a photo may wait for its turn, within the deadline. One that would wait longer is "
        "refused at once, and told when to come back. 0: none waits.",
    )
    readiness_deadline_seconds: float = Field(
        default=2.0, gt=0, description="Time for /readyz to ask the model's state."
    )
    min_in_flight: int = Field(
        default=3, gt=0, description="Photos in work at once that are always allowed: decoded, or with the model."
    )
    max_in_flight: int = Field(
        default=256,
        gt=0,
        description="Photos in work at once that are never exceeded; above the limit found between the two a photo "
        "waits. As large as `min_in_flight`, it is the limit.",
    )
    max_slowdown: float = Field(
        default=2.0,
        gt=1,
        description="How many times as long as alone a photo may be in work among others before fewer are let in.",
    )

    log_format: Format = Field(default="text", description="A log line is text for people, or a JSON object.")
    otlp_endpoint: HttpUrl | None = Field(
        default=None,
        description="Base URL of an OpenTelemetry collector, such as http://collector:4318, that gets a trace of each "
        "request. The SDK's own variables, such as OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS, hold too. Needs "
        "the extra `tracing`. Unset: no traces.",
    )

    feedback_folder: Annotated[DirectoryPath | None, BeforeValidator(lambda value: value or None)] = Field(
        default=None,
        description="Existing folder in which photos are kept that their senders gave for training, by breed. Unset: "
        "no photo is ever kept.",
    )
    feedback_max_bytes: int = Field(
        default=2**30, gt=0, description="Size in bytes of all photos in that folder, above which no more are kept."
    )

    max_upload_bytes: int = Field(default=20 * 1024 * 1024, gt=0, description="Size of the largest request body.")
    max_buffered_bytes: int = Field(
        default=256 * 1024 * 1024,
        gt=0,
        description="Bytes of all photos that are received or wait, at most half of them one caller's. Beyond it a "
        "photo is refused, and a sender of many waits.",
    )
    max_stream_bytes: int = Field(
        default=4 * 2**30, gt=0, description="Size in bytes of the largest body of many photos."
    )
    max_photos: int = Field(default=10_000, gt=0, description="Photos in one request that may have many.")
    stream_photos_at_once: int = Field(default=8, gt=0, description="Photos of one request in work at once.")
    stream_buffer_bytes: int = Field(
        default=32 * 2**20,
        gt=0,
        description="Bytes of photos of one request that are held at once; above, the sender waits.",
    )
    max_other_parts: int = Field(default=100, ge=0, description="Parts of one body that are no photo.")
    max_part_header_bytes: int = Field(
        default=4096, gt=0, description="Size in bytes of one header of a part; a part has 8 headers at most."
    )
    max_head_bytes: int = Field(
        default=16 * 1024, gt=0, description="Size in bytes of a request's head: its line and all its headers."
    )
    idle_seconds: float = Field(
        default=15.0,
        gt=0,
        description="Time for a client to send the next bytes of a body, to read its answer, or to finish a head.",
    )
    min_upload_bytes_per_second: int = Field(
        default=1024,
        gt=0,
        description="Least mean rate at which a client sends a body, after the first `idle_seconds`.",
    )
    max_pixels: int = Field(default=MAX_PIXELS, gt=0, description="Width times height of the largest photo.")
    decode_threads: int = Field(
        default=os.cpu_count() or 1,
        gt=0,
        description="Photos decoded at once, each in a process on one core. As many again that take long go on beside "
        "them, at a lower priority.",
    )

    @field_validator("cors_origins", "trusted_proxies", "api_keys", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
