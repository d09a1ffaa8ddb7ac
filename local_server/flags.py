"""The command line: TensorFlow Serving's flags under their names and with their defaults, and those of `OWN`.

A flag is one of three: it is acted on (a field of `Options`); it has nothing to do here and is accepted, so that
scripts written for TensorFlow Serving run unchanged (`IGNORED`); or it asks for something that this server does not
have, and any value but its default is refused (`REFUSED`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, NoReturn

from local_server.system import EVERY_ADDRESS, usable_cpus

# What TensorFlow Serving gives each of its two protocols.
_DEFAULT_THREADS = 4 * usable_cpus()


def _flag(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Options:
    """Values of the flags; each field is the flag of that name."""

    host: str = _flag(EVERY_ADDRESS, "address to listen on; 0.0.0.0: every one, of IPv6 too")
    port: int = _flag(8500, "port of the gRPC API; 0: none, which needs --grpc_socket_path")
    grpc_socket_path: str = _flag("", "Unix socket to listen on for gRPC, besides the port")
    grpc_channel_arguments: str = _flag("", "comma-separated key=value options of the gRPC server")
    grpc_max_threads: int = _flag(_DEFAULT_THREADS, "gRPC requests worked on at once")
    enable_grpc_healthcheck_service: bool = _flag(False, "answer grpc.health.v1 too")
    ssl_config_file: str = _flag("", "SSLConfig in text format: serve gRPC over TLS")
    rest_api_port: int = _flag(0, "port of the REST API; 0: none")
    rest_api_num_threads: int = _flag(_DEFAULT_THREADS, "REST requests worked on at once")
    rest_api_timeout_in_ms: int = _flag(30_000, "time limit of a REST prediction in milliseconds")
    rest_api_max_body_bytes: int = _flag(256 * 2**20, "largest body of a REST request; beyond it: status 413")
    max_waiting_requests: int = _flag(10_000, "requests of each protocol that may wait; beyond it they are refused")
    rest_api_enable_cors_support: bool = _flag(False, "let pages of other origins call the REST API")
    monitoring_config_file: str = _flag("", "MonitoringConfig in text format: metrics on the REST port")
    model_name: str = _flag("default", "name of the model")
    model_base_path: str = _flag("", "folder that holds the model's versions, each a folder named by a number")
    model_config_file: str = _flag("", "ModelServerConfig in text format: instead of the two flags above")
    model_config_file_poll_wait_seconds: int = _flag(0, "seconds between looks at --model_config_file; 0: look once")
    allow_version_labels_for_unavailable_models: bool = _flag(False, "let labels name versions that do not serve yet")
    saved_model_tags: str = _flag("serve", "comma-separated tags of the MetaGraph to load")
    preferred_saved_model_tags: str = _flag("", "tags of a MetaGraph to load instead, if a version has it and it runs")
    file_system_poll_wait_seconds: int = _flag(1, "seconds between looks for new versions; 0: look once")
    num_load_threads: int = _flag(0, "versions loaded at once; 0: one")
    num_unload_threads: int = _flag(0, "versions unloaded at once; 0: no limit")
    max_num_load_retries: int = _flag(5, "how often loading a version is tried again after it failed")
    load_retry_interval_micros: int = _flag(60_000_000, "microseconds between two such tries")
    enable_model_warmup: bool = _flag(True, "run assets.extra/tf_serving_warmup_requests before a version serves")
    num_request_iterations_for_warmup: int = _flag(0, "times each warm-up request is run, if positive; else once")
    enable_batching: bool = _flag(False, "run requests that come at the same time as one batch")
    batching_parameters_file: str = _flag("", "BatchingParameters in text format; needs --enable_batching")
    enable_per_model_batching_parameters: bool = _flag(False, "prefer a version's own batching_params.pbtxt")
    prefer_tflite_model: bool = _flag(False, "serve a version's model.tflite if it has one")
    enable_signature_method_name_check: bool = _flag(False, "refuse signatures made for another method")
    enable_serialization_as_tensor_content: bool = _flag(False, "answer in tensor_content, not in typed fields")
    tensorflow_session_config_file: str = _flag("", "ConfigProto in text format, which the flags below override")
    tensorflow_session_parallelism: int = _flag(0, "threads of each pool of the session; 0: as TensorFlow sees fit")
    tensorflow_intra_op_parallelism: int = _flag(0, "threads that share one operation")
    tensorflow_inter_op_parallelism: int = _flag(0, "operations that run at once")
    mixed_precision: str = _flag("", "bfloat16: let TensorFlow rewrite graphs to compute in bfloat16 on CPUs")
    per_process_gpu_memory_fraction: float = _flag(0.0, "share of the GPU's memory to take; 0: as TensorFlow sees fit")
    enable_profiler: bool = _flag(True, "answer ProfilerService, unless --host is narrowed down")
    version: bool = _flag(False, "print the versions and exit")


# Flags that TensorFlow Serving does not have.
OWN = ("host", "max_waiting_requests", "preferred_saved_model_tags", "rest_api_max_body_bytes")

# Names that flags had before.
ALIASES = {"prefer_tflite_model": "use_tflite_model"}


class Other(NamedTuple):
    """A flag without an effect: its default, and why it is ignored or refused."""

    default: bool | int | str
    why: str


IGNORED: dict[str, Other] = {
    "flush_filesystem_caches": Other(True, "the operating system keeps what it has room for"),
    "num_tflite_interpreters_per_pool": Other(1, "a TensorFlow Lite model has one interpreter"),
    "num_tflite_pools": Other(usable_cpus(), "a TensorFlow Lite model has one interpreter"),
    "remove_unused_fields_from_bundle_metagraph": Other(True, "a loaded version keeps its signatures alone"),
    "skip_initialize_tpu": Other(False, "there is no TPU"),
    "use_saved_model": Other(True, "models are SavedModels"),
    "xla_cpu_compilation_enabled": Other(False, "TensorFlow's Python package compiles what a model asks for"),
    "xla_gpu_compilation_enabled": Other(False, "TensorFlow's Python package compiles what a model asks for"),
}

REFUSED: dict[str, Other] = {
    "platform_config_file": Other("", "there is one platform, tensorflow"),
    "thread_pool_factory_config_file": Other("", "sessions have TensorFlow's own thread pools"),
    "use_alts_credentials": Other(False, "ALTS works on Google's cloud alone; see --ssl_config_file"),
}

# The exit status of a server that cannot start: -1 in TensorFlow Serving.
START_FAILED = 255


class _Parser(argparse.ArgumentParser):
    """Parser that answers a value that it cannot read with the usage, and ends the process."""

    def error(self, message: str) -> NoReturn:
        print(self.format_help(), flush=True)
        self.exit(START_FAILED, f"{message}\n")


def parse(arguments: Sequence[str]) -> Options:
    """Return the options of a command line; end the process with a message if a value is wrong.

    As in TensorFlow Serving, an unknown flag is answered with the usage, and the server starts without it.
    """
    parser = _Parser("tensorflow_model_server", allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for option in fields(Options):
        text = f"{option.metadata['help']} (default: {option.default})"
        _add(parser, option.name, option.default, text.replace("%", "%%"))
    for outcome, others in (("ignored", IGNORED), ("refused", REFUSED)):
        for name, other in others.items():
            _add(parser, name, other.default, f"{outcome}: {other.why}")
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        print(f"unknown argument: {unknown[0]}\n{parser.format_help()}", flush=True)
    given = vars(known)

    for name, other in REFUSED.items():
        if given.pop(name, other.default) != other.default:
            _refuse(f"--{name} is not supported by this server: {other.why}")
    options = Options(**{name: value for name, value in given.items() if name not in IGNORED})
    if not options.version:
        _check(options)
    return options


def _check(options: Options) -> None:
    if options.port == 0 and not options.grpc_socket_path:
        _refuse("server_options.grpc_port is not set.")
    if not options.model_base_path and not options.model_config_file:
        _refuse("Both server_options.model_base_path and server_options.model_config_file are empty!")
    if options.batching_parameters_file and not options.enable_batching:
        _refuse(
            "server_options.batching_parameters_file is set without setting server_options.enable_batching to true."
        )
    parallelism = (options.tensorflow_intra_op_parallelism, options.tensorflow_inter_op_parallelism)
    if min(*parallelism, options.tensorflow_session_parallelism) > 0:
        _refuse(
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, server_options.tensorflow_inter_op_parallelism) "
            "separately. You cannot configure all."
        )
    if options.mixed_precision not in ("", "bfloat16"):
        _refuse(f"--mixed_precision={options.mixed_precision} is not supported by this server")


def _refuse(message: str) -> NoReturn:
    """End the process as a start that fails does."""
    print(f"Failed to start server. Error: INVALID_ARGUMENT: {message}", file=sys.stderr)
    sys.exit(START_FAILED)


def _add(parser: argparse.ArgumentParser, name: str, default: Any, text: str) -> None:
    names = [name, ALIASES[name]] if name in ALIASES else [name]
    spellings = [f"--{name}" for name in names]
    if isinstance(default, bool):
        parser.add_argument(
            *spellings, nargs="?", const=True, type=_reader(name, _boolean), metavar="true|false", help=text
        )
        denials = [f"--no{name}" for name in names]
        parser.add_argument(*denials, dest=name, action="store_false", help=argparse.SUPPRESS)
    else:
        kind = type(default)
        parser.add_argument(*spellings, type=_reader(name, kind), metavar=kind.__name__, help=text)


def _reader(flag: str, kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return `kind`, but with TensorFlow's words for a value that it cannot read."""

    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"Couldn't interpret value {text} for flag {flag}.") from None

    return read


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]
