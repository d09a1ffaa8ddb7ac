"""Warm-up requests are run before a version serves, and a version that fails them does not."""

from __future__ import annotations

import logging

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from local_server.errors import StatusError
from local_server.inference.saved_model import SavedModelServable


def write_records(version, *records):
    """Store records as the version's warm-up."""
    folder = version / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for record in records:
            writer.write(record)


def write_requests(version, *signatures):
    """Store a request without inputs to each signature as the version's warm-up."""
    logs = [prediction_log_pb2.PredictionLog() for _ in signatures]
    for log, signature in zip(logs, signatures, strict=True):
        log.predict_log.request.model_spec.signature_name = signature
    write_records(version, *(log.SerializeToString() for log in logs))


def test_warm_up_runs_each_request(models, run_server, tmp_path, caplog):
    """All requests in the file are run."""
    caplog.set_level(logging.INFO)
    write_requests(models.install(tmp_path), "describe", "describe")
    run_server(tmp_path)
    assert f"Ran 2 warm-up requests of {tmp_path / '1'}" in caplog.messages


def test_warm_up_failing_request_refuses_the_version(models, run_server, tmp_path):
    """A version that cannot answer its own warm-up requests does not serve."""
    write_requests(models.install(tmp_path), "describe", "zz")
    with pytest.raises(StatusError, match=r'version: 1} due to error: .*"zz" not found'):
        run_server(tmp_path)


def test_warm_up_switched_off_runs_nothing(models, run_server, tmp_path):
    """Without --enable_model_warmup the file is not looked at."""
    write_requests(models.install(tmp_path), "zz")
    assert run_server(tmp_path, enable_model_warmup=False).states() == {1: "AVAILABLE"}


def test_warm_up_over_limit_refuses_the_version(models, run_server, tmp_path):
    """More than 1,000 records are a mistake."""
    write_requests(models.install(tmp_path), *["describe"] * 1_001)
    with pytest.raises(StatusError, match=r"exceeds the maximum \(1000\)"):
        run_server(tmp_path)


def test_warm_up_damaged_file_refuses_the_version(models, run_server, tmp_path):
    """A file that is no TFRecord is reported as such."""
    version = models.install(tmp_path)
    write_requests(version)
    (version / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"not a record, but long enough")
    with pytest.raises(StatusError, match="Please verify your warmup data is in TFRecord format"):
        run_server(tmp_path)


SPEC = {"name": "gadgets", "signature_name": "regress"}
X = {"features": {"feature": {"x": {"float_list": {"value": [1.0]}}}}}
INPUT = {"example_list": {"examples": [X]}}
EXAMPLE_LOGS = [
    prediction_log_pb2.PredictionLog(classify_log={"request": {"model_spec": SPEC, "input": INPUT}}),
    prediction_log_pb2.PredictionLog(regress_log={"request": {"model_spec": SPEC, "input": INPUT}}),
    prediction_log_pb2.PredictionLog(
        multi_inference_log={
            "request": {"tasks": [{"model_spec": SPEC, "method_name": "tensorflow/serving/regress"}], "input": INPUT}
        }
    ),
]
EXAMPLE_LOGS[0].classify_log.request.model_spec.signature_name = "classify"


@pytest.mark.parametrize("log", EXAMPLE_LOGS, ids=lambda log: log.WhichOneof("log_type"))
def test_warm_up_replays_requests_with_examples(models, run_server, tmp_path, caplog, log):
    """Classify, regress and multi-inference logs are run; one without examples fails, as its request would."""
    caplog.set_level(logging.INFO)
    for folder in ("right", "wrong"):
        (tmp_path / folder).mkdir()
    write_records(models.install(tmp_path / "right"), log.SerializeToString())
    run_server(tmp_path / "right")
    assert f"Ran 1 warm-up requests of {tmp_path / 'right' / '1'}" in caplog.messages

    empty = prediction_log_pb2.PredictionLog.FromString(log.SerializeToString())
    getattr(empty, log.WhichOneof("log_type")).request.ClearField("input")
    write_records(models.install(tmp_path / "wrong"), empty.SerializeToString())
    with pytest.raises(StatusError, match="Input is empty"):
        run_server(tmp_path / "wrong")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            prediction_log_pb2.PredictionLog(session_run_log={}).SerializeToString(),
            "Unsupported log_type for warmup: 5",
        ),
        (
            prediction_log_pb2.PredictionLog(predict_streamed_log={}).SerializeToString(),
            "Unsupported log_type for warmup: 7",
        ),
        (b"\xff", "Failed to parse warmup record: "),
    ],
)
def test_warm_up_unfit_record_refuses_the_version(models, run_server, tmp_path, record, message):
    """Logs of other kinds, and what is no log, are refused."""
    write_records(models.install(tmp_path), record)
    with pytest.raises(StatusError, match=message):
        run_server(tmp_path)


def test_warm_up_accepts_as_many_requests_as_the_limit(models, run_server, tmp_path, caplog):
    """1,000 records are no mistake."""
    caplog.set_level(logging.INFO)
    write_requests(models.install(tmp_path), *["describe"] * 1_000)
    assert run_server(tmp_path).states() == {1: "AVAILABLE"}
    assert f"Ran 1000 warm-up requests of {tmp_path / '1'}" in caplog.messages


@pytest.mark.parametrize(("iterations", "runs"), [(0, 2), (3, 6)])
def test_warm_up_runs_each_request_as_often_as_told(models, run_server, tmp_path, monkeypatch, iterations, runs):
    """--num_request_iterations_for_warmup is how often each request of the file runs, 0 is once."""
    run, calls = SavedModelServable.run, []

    def counted(*arguments):
        calls.append(arguments)
        return run(*arguments)

    monkeypatch.setattr(SavedModelServable, "run", counted)
    write_requests(models.install(tmp_path), "describe", "describe")
    run_server(tmp_path, num_request_iterations_for_warmup=iterations)
    assert len(calls) == runs
