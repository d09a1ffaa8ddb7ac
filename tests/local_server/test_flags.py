"""The command line is TensorFlow Serving's."""

from __future__ import annotations

import pytest

from local_server import flags

BASE = "--model_base_path=/models/x"


def test_parse_defaults_are_upstreams():
    """Without flags, ports, names and times are those of TensorFlow Serving."""
    options = flags.parse([BASE])
    assert (options.host, options.port, options.rest_api_port, options.model_name) == ("0.0.0.0", 8500, 0, "default")
    assert (options.file_system_poll_wait_seconds, options.rest_api_timeout_in_ms) == (1, 30_000)
    assert (options.max_num_load_retries, options.load_retry_interval_micros) == (5, 60_000_000)
    assert options.enable_model_warmup
    assert not options.enable_serialization_as_tensor_content


@pytest.mark.parametrize("arguments", [["--port=9000"], ["--port", "9000"]])
def test_parse_value_may_follow_equals_sign_or_space(arguments):
    """Both ways to give a value mean the same."""
    assert flags.parse([BASE, *arguments]).port == 9000


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("--enable_model_warmup", True),
        ("--enable_model_warmup=true", True),
        ("--enable_model_warmup=1", True),
        ("--enable_model_warmup=false", False),
        ("--enable_model_warmup=False", False),
        ("--noenable_model_warmup", False),
    ],
)
def test_parse_boolean_may_be_written_in_each_way(argument, value):
    """A boolean may stand alone, have a value, or be denied by `no`."""
    assert flags.parse([argument, BASE]).enable_model_warmup is value


def test_parse_flags_without_effect_are_accepted():
    """Scripts written for TensorFlow Serving start this server, as long as they ask for nothing it lacks."""
    flags.parse([BASE, "--flush_filesystem_caches=false", "--use_saved_model", "--num_tflite_pools=3"])


@pytest.mark.parametrize("arguments", [["--use_tflite_model"], ["--noprefer_tflite_model", "--use_tflite_model=1"]])
def test_parse_old_name_of_flag_means_the_same(arguments):
    """A flag that was renamed is known under both names."""
    assert flags.parse([BASE, *arguments]).prefer_tflite_model


def test_parse_config_file_needs_no_base_path():
    """A file of models stands for the name and the path of one."""
    assert flags.parse(["--model_config_file=/models.txt"]).model_config_file == "/models.txt"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Both server_options.model_base_path and server_options.model_config_file are empty!"),
        (
            [BASE, "--batching_parameters_file=a"],
            "server_options.batching_parameters_file is set without setting server_options.enable_batching to true.",
        ),
        ([BASE, "--platform_config_file=a"], "--platform_config_file is not supported by this server"),
        ([BASE, "--mixed_precision=float16"], "--mixed_precision=float16 is not supported by this server"),
        (["--port=0"], "server_options.grpc_port is not set."),
        (
            [
                *(BASE, "--tensorflow_session_parallelism=1"),
                *("--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=1"),
            ],
            "You cannot configure all.",
        ),
    ],
)
def test_parse_wrong_flag_ends_with_one_line(arguments, message, capsys):
    """A wrong flag, or one whose feature is not here, is told in one line, and the exit status is that of -1."""
    with pytest.raises(SystemExit) as ended:
        flags.parse(arguments)
    printed = capsys.readouterr().err
    assert ended.value.code == 255
    assert printed.startswith("Failed to start server. Error: ")
    assert message in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize(("flag", "value"), [("port", "x"), ("enable_model_warmup", "x"), ("port", "")])
def test_parse_unreadable_value_ends_with_the_usage(flag, value, capsys):
    """As in TensorFlow Serving, a value of the wrong kind is named, the usage printed, and the exit status is -1."""
    with pytest.raises(SystemExit) as ended:
        flags.parse([BASE, f"--{flag}={value}"])
    printed = capsys.readouterr()
    assert ended.value.code == 255
    assert f"Couldn't interpret value {value} for flag {flag}." in printed.err
    assert printed.out.startswith("usage: tensorflow_model_server")


def test_parse_unknown_flag_prints_usage_and_goes_on(capsys):
    """As in TensorFlow Serving, the usage is printed, and the other flags count."""
    assert flags.parse([BASE, "--frobnicate=1", "--port=9000"]).port == 9000
    printed = capsys.readouterr().out
    assert printed.startswith("unknown argument: --frobnicate=1\nusage: tensorflow_model_server")
    assert all(f"--{name}" in printed for name in UPSTREAM)


# As TensorFlow Serving 2.21 lists them, with their defaults; None: by the machine's CPUs.
UPSTREAM = {
    "port": "8500",
    "grpc_socket_path": "",
    "rest_api_port": "0",
    "rest_api_num_threads": None,
    "rest_api_timeout_in_ms": "30000",
    "rest_api_enable_cors_support": "false",
    "enable_batching": "false",
    "allow_version_labels_for_unavailable_models": "false",
    "batching_parameters_file": "",
    "enable_per_model_batching_parameters": "false",
    "model_config_file": "",
    "model_config_file_poll_wait_seconds": "0",
    "model_name": "default",
    "model_base_path": "",
    "num_load_threads": "0",
    "num_unload_threads": "0",
    "max_num_load_retries": "5",
    "load_retry_interval_micros": "60000000",
    "file_system_poll_wait_seconds": "1",
    "flush_filesystem_caches": "true",
    "tensorflow_session_parallelism": "0",
    "tensorflow_session_config_file": "",
    "tensorflow_intra_op_parallelism": "0",
    "tensorflow_inter_op_parallelism": "0",
    "use_alts_credentials": "false",
    "ssl_config_file": "",
    "platform_config_file": "",
    "per_process_gpu_memory_fraction": "0",
    "saved_model_tags": "serve",
    "grpc_channel_arguments": "",
    "grpc_max_threads": None,
    "enable_model_warmup": "true",
    "num_request_iterations_for_warmup": "0",
    "version": "false",
    "monitoring_config_file": "",
    "remove_unused_fields_from_bundle_metagraph": "true",
    "prefer_tflite_model": "false",
    "num_tflite_pools": None,
    "num_tflite_interpreters_per_pool": "1",
    "enable_signature_method_name_check": "false",
    "xla_cpu_compilation_enabled": "false",
    "xla_gpu_compilation_enabled": "false",
    "enable_profiler": "true",
    "thread_pool_factory_config_file": "",
    "mixed_precision": "",
    "skip_initialize_tpu": "false",
    "enable_grpc_healthcheck_service": "false",
    "enable_serialization_as_tensor_content": "false",
}


def test_parse_every_flag_of_upstream_at_its_default_changes_nothing(capsys):
    """Each of TensorFlow Serving's flags is known, and given its default value it never stops the start."""
    arguments = [f"--{name}={default}" for name, default in UPSTREAM.items() if default is not None]
    assert flags.parse([*arguments, BASE]) == flags.parse([BASE])
    assert capsys.readouterr().out == ""
    known = {*flags.Options.__dataclass_fields__, *flags.IGNORED, *flags.REFUSED}
    assert known - set(flags.OWN) - {"use_saved_model"} == set(UPSTREAM)  # which earlier releases had
