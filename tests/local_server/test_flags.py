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
    flags.parse([BASE, "--flush_filesystem_caches=false", "--use_saved_model", "--enable_profiler=false"])


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
        ([BASE, "--port=x"], "argument --port: invalid int value: 'x'"),
        ([BASE, "--enable_model_warmup=x"], "expected true or false, not 'x'"),
        ([BASE, "--frobnicate"], "unrecognized arguments: --frobnicate"),
        ([BASE, "--port=0"], "server_options.grpc_port is not set."),
        ([BASE, "--port=8501", "--rest_api_port=8501"], "--rest_api_port cannot be same as --port"),
    ],
)
def test_parse_wrong_flag_ends_with_one_line(arguments, message, capsys):
    """A wrong flag, or one whose feature is not here, is told in one line, and the exit status is 1."""
    with pytest.raises(SystemExit) as ended:
        flags.parse(arguments)
    printed = capsys.readouterr().err
    assert ended.value.code == 1
    assert printed.startswith("Failed to start server. Error: ")
    assert message in printed
    assert printed.count("\n") == 1
