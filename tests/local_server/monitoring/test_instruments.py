"""Metrics of the server, as Prometheus reads them."""

from __future__ import annotations

import shutil
import threading
import time

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from local_server.errors import StatusError

PATH = "/monitoring/prometheus/metrics"


def monitored(tmp_path, text="prometheus_config { enable: true }"):
    """Write a monitoring configuration; return the flag for it."""
    file = tmp_path / "monitoring.txt"
    file.write_text(text)
    return {"monitoring_config_file": str(file)}


def read(client, path=PATH):
    """Return the values on the page by name and labels."""
    lines = client.get(path).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_page_has_upstreams_type_and_types_of_metrics(models, run_server, tmp_path):
    """The page is plain text, and tells each metric's type."""
    models.install(tmp_path)
    response = run_server(tmp_path, **monitored(tmp_path)).get(PATH)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/plain")
    assert "# TYPE :tensorflow:serving:request_count counter\n" in response.text
    assert "# TYPE :tensorflow:serving:request_latency histogram\n" in response.text
    assert "# TYPE :tensorflow:serving:runtime_latency histogram\n" in response.text


def test_requests_are_counted_by_outcome_and_timed_by_way_in(models, run_server, tmp_path, gate, eventually):
    """Each prediction counts once under its status, over REST each question, too; those that succeed are timed."""
    models.install(tmp_path)
    client = run_server(tmp_path, model_name="counted", **monitored(tmp_path))
    begun = time.perf_counter()
    held = threading.Thread(target=lambda: client.predict("content_of", model="counted", file=str(gate.path)))
    held.start()
    eventually(gate.has_request)
    seen = time.perf_counter()
    for _ in range(2):
        client.predict(model="counted", x=[1.0])
    with pytest.raises(grpc.RpcError):
        client.predict("zz", model="counted", x=[1.0])
    predict = "/v1/models/counted:predict"
    assert client.post({"instances": [1.0]}, predict).status_code == 200
    assert client.post({"instances": ["a"]}, predict).status_code == 400
    client.states("counted")
    client.get("/v1/models/counted/metadata")
    least = time.perf_counter() - seen
    gate.open("done")
    held.join()
    most = 3 * (time.perf_counter() - begun)

    values = read(client)
    of_model = 'model_name="counted"'
    assert {name: value for name, value in values.items() if "request_count{" in name and of_model in name} == {
        f':tensorflow:serving:request_count{{{of_model},status="OK"}}': 5,
        f':tensorflow:serving:request_count{{{of_model},status="INVALID_ARGUMENT"}}': 1,
        f':tensorflow:serving:request_count{{{of_model},status="FAILED_PRECONDITION"}}': 1,
    }
    assert {name: value for name, value in values.items() if "latency_count{" in name and of_model in name} == {
        f':tensorflow:serving:request_latency_count{{{of_model},API="Predict",entrypoint="GRPC"}}': 3,
        f':tensorflow:serving:request_latency_count{{{of_model},API="predict",entrypoint="REST"}}': 1,
        f':tensorflow:serving:request_latency_count{{{of_model},API="",entrypoint="REST"}}': 1,
        f':tensorflow:serving:runtime_latency_count{{{of_model},API="Predict",runtime="TF1"}}': 4,
    }
    total = f':tensorflow:serving:request_latency_sum{{{of_model},API="Predict",entrypoint="GRPC"}}'
    assert least < values[total] / 1e6 < most  # three requests, one of which was held


def test_loads_and_warm_up_are_counted_by_path(models, run_server, tmp_path, eventually):
    """Each attempt to load is counted by its outcome, and what it took, warm-up apart."""
    first = models.install(tmp_path)
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    (first / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(first / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
    client = run_server(tmp_path, **monitored(tmp_path))
    broken = shutil.copytree(first, tmp_path / ".2")
    (broken / "saved_model.pb").unlink()
    broken.rename(tmp_path / "2")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})

    values = read(client)
    attempts = ":tensorflow:cc:saved_model:load_attempt_count"
    assert values[f'{attempts}{{model_path="{first}",status="success"}}'] == 1
    assert values[f'{attempts}{{model_path="{tmp_path / "2"}",status="fail"}}'] >= 1
    assert values[f':tensorflow:cc:saved_model:load_latency{{model_path="{first}"}}'] > 0
    assert values[f':tensorflow:serving:model_warmup_latency_count{{model_path="{first}",status="OK"}}'] == 1


def test_batches_and_waits_for_them_are_counted(models, run_server, tmp_path):
    """With batching, each run of a batch counts, and how long each request of it has waited."""
    models.install(tmp_path)
    parameters = tmp_path / "batching.txt"
    parameters.write_text('thread_pool_name { value: "waited" }')
    flags = {"enable_batching": True, "batching_parameters_file": str(parameters)}
    client = run_server(tmp_path, **flags, **monitored(tmp_path))
    before = read(client).get(":tensorflow:serving:batching_session:wrapped_run_count{}", 0)
    for _ in range(3):
        client.predict(x=[1.0])
    values = read(client)
    assert values[":tensorflow:serving:batching_session:wrapped_run_count{}"] == before + 3
    assert values[':tensorflow:serving:batching_session:queuing_latency_count{thread_pool_name="waited"}'] == 3


def test_path_of_page_may_be_chosen(models, run_server, tmp_path):
    """The page is where the configuration says, and nowhere else."""
    models.install(tmp_path)
    client = run_server(tmp_path, **monitored(tmp_path, 'prometheus_config { enable: true path: "/metrics" }'))
    assert read(client, "/metrics")
    assert client.get(PATH).status_code == 404
    response = client.get("/metrics?x=1")
    assert (response.status_code, response.text) == (400, "Unexpected path: /metrics?x=1. Should be /metrics")


def test_no_page_without_configuration(client):
    """Without the flag there are no metrics to see."""
    assert httpx.get(client.rest_url + PATH).status_code == 404


def test_start_with_wrong_configuration_fails(models, run_server, tmp_path):
    """A monitoring configuration that cannot be read ends the start."""
    models.install(tmp_path)
    with pytest.raises(StatusError, match="Invalid protobuf file"):
        run_server(tmp_path, **monitored(tmp_path, "prometheus {}"))
