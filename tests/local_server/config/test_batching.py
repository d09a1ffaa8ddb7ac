"""Batching parameters mean what TensorFlow Serving takes them to mean, and wrong ones are refused in its words."""

from __future__ import annotations

import pytest

from local_server.config.batching import BatchingParameters, read_batching_parameters, version_parameters
from local_server.errors import InvalidArgumentError, NotFoundError
from local_server.system import usable_cpus


@pytest.fixture
def read(tmp_path):
    """Return a function that reads parameters from a text."""

    def read_text(text):
        file = tmp_path / "batching.txt"
        file.write_text(text)
        return read_batching_parameters(file)

    return read_text


def test_read_every_field_is_understood(read):
    """A file that sets every field, with comments and in both ways of writing a wrapper, is read as it says."""
    assert read(
        """
        max_batch_size { value: 64 }  # rows
        batch_timeout_micros: { value: 500 }
        max_enqueued_batches { value: 7 }
        num_batch_threads { value: 3 }
        thread_pool_name { value: 'photos' }
        allowed_batch_sizes: 2
        allowed_batch_sizes: 8
        pad_variable_length_inputs: true
        enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 8 }
        """
    ) == BatchingParameters(64, 500, 7, 3, "photos", (2, 8), True, True, 8)


def test_read_empty_file_gives_upstreams_defaults(read):
    """Fields that the file leaves out have TensorFlow Serving's defaults."""
    parameters = read("")
    assert (parameters.max_batch_size, parameters.batch_timeout_micros) == (1000, 0)
    assert (parameters.max_enqueued_batches, parameters.num_batch_threads) == (10, usable_cpus())
    assert (parameters.execution_limit, parameters.padded(3)) == (1000, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 8",
        ),
        (
            "allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 1000",
        ),
        (
            "max_batch_size { value: 8 } enable_large_batch_splitting { value: true } "
            "max_execution_batch_size { value: 4 } allowed_batch_sizes: 8",
            "Last entry in allowed_batch_sizes must be equal to max_execution_batch_size; last entry was 8; expected 4",
        ),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4 allowed_batch_sizes: 4 allowed_batch_sizes: 8",
            "allowed_batch_sizes entries must be monotonically increasing",
        ),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be positive; was 0"),
        ("max_batch_size { value: -1 }", "max_batch_size must be positive; was -1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be non-negative; was -1"),
        (
            "max_batch_size { value: 4 } enable_large_batch_splitting { value: true } "
            "max_execution_batch_size { value: 8 }",
            "When enable_large_batch_splitting is true, max_batch_size must be greater than or equal to "
            "max_execution_batch_size; was 4, expected 8",
        ),
    ],
)
def test_read_values_that_do_not_go_together_are_refused(read, text, message):
    """Each rule that the values must keep has its message."""
    with pytest.raises(InvalidArgumentError) as error:
        read(text)
    assert error.value.message == message


@pytest.mark.parametrize("text", ["max_batch_size: 8", "batch_size { value: 8 }", "max_batch_size {"])
def test_read_text_that_is_no_batching_parameters_is_refused(read, text, tmp_path):
    """A wrong field, a value not in its wrapper and an open brace are errors that name the file."""
    with pytest.raises(InvalidArgumentError, match=f"Invalid protobuf file: '{tmp_path}"):
        read(text)


def test_read_binary_file_is_refused(tmp_path):
    """Bytes that are no text are an error that names the file."""
    file = tmp_path / "batching.txt"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidArgumentError, match=f"Invalid protobuf file: '{file}'"):
        read_batching_parameters(file)


def test_read_missing_file_is_refused(tmp_path):
    """A file that is not there is an error that names it."""
    with pytest.raises(NotFoundError, match=r"none\.txt; No such file or directory"):
        read_batching_parameters(tmp_path / "none.txt")


def test_version_parameters_come_with_the_version_if_asked(read, tmp_path):
    """With the flag a version has the parameters in its folder, or none; without it those of all."""
    common = BatchingParameters(max_batch_size=5)
    assert version_parameters(tmp_path, common, per_model=False) == common
    assert version_parameters(tmp_path, common, per_model=True) is None
    (tmp_path / "batching_params.pbtxt").write_text("max_batch_size { value: 6 }")
    assert version_parameters(tmp_path, common, per_model=False) == common
    assert version_parameters(tmp_path, common, per_model=True) == BatchingParameters(max_batch_size=6)
