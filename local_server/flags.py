"""The command line: TensorFlow Serving's flags under their names and with their defaults, and `--host`.

A flag is one of three: it is acted on (a field of `Options`); it has nothing to do here and is accepted, so that
scripts written for TensorFlow Serving run unchanged (`IGNORED`); or it asks for something that this server does not
have, and any value but its default is refused (`UNSUPPORTED`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from local_server.system import usable_cpus

# What TensorFlow Serving gives each of its two protocols.
_DEFAULT_THREADS = 4 * usable_cpus()


def _flag(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Options:
    """Values of the flags; each field is the flag of that name."""

    host: str = _flag("0.0.0.0", "address to listen on (not a flag of TensorFlow Serving, which takes every address)")
    port: int = _flag(8500, "port of the gRPC API; 0: none, which needs --grpc_socket_path")
    grpc_socket_path: str = _flag("", "Unix socket to listen on for gRPC, besides the port")
    grpc_channel_arguments: str = _flag("", "comma-separated key=value options of the gRPC server")
    grpc_max_threads: int = _flag(_DEFAULT_THREADS, "gRPC requests worked on at once")
    enable_grpc_healthcheck_service: bool = _flag(False, "answer grpc.health.v1 too")
    ssl_config_file: str = _flag("", "SSLConfig in text format: serve gRPC over TLS")
    rest_api_port: int = _flag(0, "port of the REST API; 0: none")
    rest_api_num_threads: int = _flag(_DEFAULT_THREADS, "REST requests worked on at once")
    rest_api_timeout_in_ms: int = _flag(30_000, "time limit of a REST prediction in milliseconds")
    rest_api_enable_cors_support: bool = _flag(False, "let pages of other origins call the REST API")
    monitoring_config_file: str = _flag("", "MonitoringConfig in text format: metrics on the REST port")
    model_name: str = _flag("default", "name of the model")
    model_base_path: str = _flag("", "folder that holds the model's versions, each a folder named by a number")
    model_config_file: str = _flag("", "ModelServerConfig in text format: instead of the two flags above")
    model_config_file_poll_wait_seconds: int = _flag(0, "seconds between looks at --model_config_file; 0: look once")
    allow_version_labels_for_unavailable_models: bool = _flag(False, "let labels name versions that do not serve yet")
    saved_model_tags: str = _flag("serve", "comma-separated tags of the MetaGraph to load")
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
    tensorflow_session_parallelism: int = _flag(0, "threads of each pool of the session; 0: as TensorFlow sees fit")
    tensorflow_intra_op_parallelism: int = _flag(0, "threads that share one operation")
    tensorflow_inter_op_parallelism: int = _flag(0, "operations that run at once")
    per_process_gpu_memory_fraction: float = _flag(0.0, "share of the GPU's memory to take; 0: as TensorFlow sees fit")
    version: bool = _flag(False, "print the versions and exit")


IGNORED: dict[str, bool | int | str] = {
    "flush_filesystem_caches": True,
    "remove_unused_fields_from_bundle_metagraph": True,
    "skip_initialize_tpu": False,
    "use_saved_model": True,
    "xla_cpu_compilation_enabled": False,
    "xla_gpu_compilation_enabled": False,
}

# Names that flags had before.
ALIASES = {"prefer_tflite_model": "use_tflite_model"}

UNSUPPORTED: dict[str, bool | int | str] = {
    "enable_profiler": False,
    "mixed_precision": "",
    "num_tflite_interpreters_per_pool": 0,
    "num_tflite_pools": 0,
    "platform_config_file": "",
    "tensorflow_session_config_file": "",
    "thread_pool_factory_config_file": "",
    "use_alts_credentials": False,
}


class _Parser(argparse.ArgumentParser):
    """Parser that exits with 1 and one line of explanation on a wrong flag."""

    def error(self, message: str) -> NoReturn:
        self.exit(1, f"Failed to start server. Error: INVALID_ARGUMENT: {message} (--help lists the flags)\n")


def parse(arguments: Sequence[str]) -> Options:
    """Return the options of a command line; end the process with a message and status 1 if one is wrong."""
    parser = _Parser("tensorflow_model_server", allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for option in fields(Options):
        text = f"{option.metadata['help']} (default: {option.default})"
        _add(parser, option.name, option.default, text.replace("%", "%%"))
    for name, default in (IGNORED | UNSUPPORTED).items():
        _add(parser, name, default, argparse.SUPPRESS)
    given = vars(parser.parse_args(arguments))

    for name, default in UNSUPPORTED.items():
        if given.pop(name, default) != default:
            parser.error(f"--{name} is not supported by this server")
    options = Options(**{name: value for name, value in given.items() if name not in IGNORED})
    if options.version:
        return options
    if not options.model_base_path and not options.model_config_file:
        parser.error("Both server_options.model_base_path and server_options.model_config_file are empty!")
    if options.batching_parameters_file and not options.enable_batching:
        parser.error(
            "server_options.batching_parameters_file is set without setting server_options.enable_batching to true."
        )
    if options.port == 0 and not options.grpc_socket_path:
        parser.error("server_options.grpc_port is not set.")
    if options.rest_api_port and options.rest_api_port == options.port:
        parser.error("--rest_api_port cannot be same as --port")
    return options


def _add(parser: argparse.ArgumentParser, name: str, default: Any, text: str) -> None:
    names = [name, ALIASES[name]] if name in ALIASES else [name]
    spellings = [f"--{name}" for name in names]
    if isinstance(default, bool):
        parser.add_argument(*spellings, nargs="?", const=True, type=_boolean, metavar="true|false", help=text)
        denials = [f"--no{name}" for name in names]
        parser.add_argument(*denials, dest=name, action="store_false", help=argparse.SUPPRESS)
    else:
        kind = type(default)
        parser.add_argument(*spellings, type=kind, metavar=kind.__name__, help=text)


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"expected true or false, not {text!r}") from None
