"""The gRPC API answers, and refuses, as TensorFlow Serving does."""

from __future__ import annotations

import resource
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

TIMEOUT = 60


def test_predict_reply_names_model_version_and_default_signature(client):
    """The reply says which version answered, and by which signature even if none was asked for."""
    response = client.predict(x=[1.0, 2.0])
    assert (response.model_spec.name, response.model_spec.version.value) == ("gadgets", 1)
    assert response.model_spec.signature_name == "serving_default"
    assert list(response.outputs) == ["y"]
    assert list(response.outputs["y"].float_val) == [2.5, 3.0]
    assert [dim.size for dim in response.outputs["y"].tensor_shape.dim] == [2]


@pytest.mark.parametrize(
    ("signature", "inputs", "expected"),
    [
        ("two", {"a": [1.0], "b": [2.0]}, {"total": [3.0], "difference": [-1.0]}),
        ("from_the_middle", {"half": [5.0]}, {"y": [7.0]}),
        ("describe", {}, {"model_card": [b"card"]}),
        ("text", {"text": [b"a\x00", b"\xff"]}, {"loud": [b"A\x00", b"\xff"], "raw_bytes": [b"a\x00", b"\xff"]}),
        ("whole", {"whole": np.int32([[1, -2]])}, {"doubled": [[2, -4]], "wide": [[1 / 3, -2 / 3]]}),
    ],
)
def test_predict_signatures_answer_right(client, signature, inputs, expected):
    """Signatures may take several inputs, none, or a tensor from the middle of the graph; strings are bytes."""
    outputs = client.predict(signature, **inputs).outputs
    assert {name: tf.make_ndarray(proto).tolist() for name, proto in outputs.items()} == expected


def test_predict_unusual_shape_reaches_graph(client):
    """An input that does not fit a placeholder's static shape is left to the graph, which may accept it."""
    assert tf.make_ndarray(client.predict(x=[[1.0, 2.0]]).outputs["y"]).tolist() == [[2.5, 3.0]]


def test_predict_output_filter_returns_those_outputs(client):
    """A filter limits the reply to the outputs it names."""
    assert list(client.predict("two", ["total"], a=[1.0], b=[1.0]).outputs) == ["total"]


def test_predict_as_tensor_content_fills_no_typed_field(models, run_server, tmp_path):
    """With --enable_serialization_as_tensor_content numbers and strings travel as content."""
    models.install(tmp_path)
    client = run_server(tmp_path, enable_serialization_as_tensor_content=True)
    y = client.predict(x=[1.0]).outputs["y"]
    assert (y.tensor_content, len(y.float_val)) == (np.float32([2.5]).tobytes(), 0)
    loud = client.predict("text", text=[b"ab", b"c"]).outputs["loud"]
    assert (loud.tensor_content, len(loud.string_val)) == (b"\x02\x01ABC", 0)


DAMAGED = tf.make_tensor_proto([1.0])
DAMAGED.tensor_content = b"123"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"signature": "zz", "x": [1.0]}, "FAILED_PRECONDITION", 'Serving signature key "zz" not found.'),
        ({"version": 7, "x": [1.0]}, "NOT_FOUND", "Servable not found for request: Specific(gadgets, 7)"),
        (
            {"w": [1.0], "x": [1.0]},
            "INVALID_ARGUMENT",
            "input size does not match signature: 2!=1 len({w,x}) != len({x}). Sent extra: {w}. "
            "Missing but required: {}.",
        ),
        (
            {},
            "INVALID_ARGUMENT",
            "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}.",
        ),
        (
            {"w": [1.0]},
            "INVALID_ARGUMENT",
            "Signature input alias: x(feed name: x:0) not found in request and no default value provided. Inputs "
            "expected to be in the request {w}, or default input alias set: ",
        ),
        ({"x": DAMAGED}, "INVALID_ARGUMENT", "tensor parsing error: x"),
        ({"x": ["a"]}, "INVALID_ARGUMENT", "Expects arg[0] to be float but string is provided"),
        (
            {"x": [1.0], "outputs": ["q"]},
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: q Outputs expected to be in the set {y}.",
        ),
        ({"x": [1.0], "outputs": ["y", "y"]}, "INVALID_ARGUMENT", "duplicate output tensor alias: y"),
    ],
)
def test_predict_wrong_request_is_refused_in_upstreams_words(client, arguments, code, message):
    """Each fault of a request has TensorFlow Serving's code and message."""
    with pytest.raises(grpc.RpcError) as error:
        client.predict(**arguments)
    assert (error.value.code().name, error.value.details()) == (code, message)


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        (None, "INVALID_ARGUMENT", "Missing ModelSpec"),
        ({"signature_name": "x"}, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ({"name": "foo"}, "NOT_FOUND", "Servable not found for request: Latest(foo)"),
        ({"name": "foo", "version": {"value": 7}}, "NOT_FOUND", "Servable not found for request: Specific(foo, 7)"),
        (
            {"name": "gadgets", "version_label": "X"},
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: X",
        ),
    ],
)
def test_predict_wrong_model_spec_is_refused_in_upstreams_words(client, spec, code, message):
    """A missing or unknown model has TensorFlow Serving's code and message."""
    with pytest.raises(grpc.RpcError) as error:
        client.predictions.Predict(predict_pb2.PredictRequest(model_spec=spec), timeout=TIMEOUT)
    assert (error.value.code().name, error.value.details()) == (code, message)


def test_predict_failure_in_graph_keeps_code_and_cuts_message(client):
    """TensorFlow's own errors come through; a message over 1,024 characters ends in ...TRUNCATED."""
    with pytest.raises(grpc.RpcError) as error:
        client.predict("checked", x=[float("nan")])
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = error.value.details()
    assert details.startswith("long long")
    assert len(details) == 1024 + len("...TRUNCATED")
    assert details.endswith("...TRUNCATED")


def test_get_model_metadata_returns_all_signatures(client):
    """Metadata holds every signature, the model's name and version, and no signature name."""
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "gadgets"
    request.model_spec.signature_name = "two"
    response = client.predictions.GetModelMetadata(request, timeout=TIMEOUT)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "two", "describe"} <= set(signatures.signature_def)
    assert signatures.signature_def["serving_default"].inputs["x"].name == "x:0"
    assert (response.model_spec.name, response.model_spec.version.value) == ("gadgets", 1)
    assert response.model_spec.signature_name == ""


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], "GetModelMetadataRequest must specify at least one metadata_field"),
        (["X"], "Metadata field X is not supported"),
    ],
)
def test_get_model_metadata_wrong_field_is_refused(client, fields, message):
    """Metadata other than signatures does not exist."""
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = "gadgets"
    with pytest.raises(grpc.RpcError) as error:
        client.predictions.GetModelMetadata(request, timeout=TIMEOUT)
    assert (error.value.code().name, error.value.details()) == ("INVALID_ARGUMENT", message)


def test_get_model_status_sets_status_of_a_healthy_version(client):
    """The status of a version that serves is there and OK, not left out."""
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "gadgets", "version": {"value": 1}})
    (version,) = client.models.GetModelStatus(request, timeout=TIMEOUT).model_version_status
    assert (version.version, version.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert version.HasField("status")
    assert (version.status.error_code, version.status.error_message) == (0, "")


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        (None, "INVALID_ARGUMENT", "Missing ModelSpec"),
        ({"name": "foo"}, "NOT_FOUND", "Could not find any versions of model foo"),
        ({"name": "foo", "version": {"value": 7}}, "NOT_FOUND", "Could not find version 7 of model foo"),
        ({"name": "gadgets", "version": {"value": 7}}, "NOT_FOUND", "Could not find version 7 of model gadgets"),
    ],
)
def test_get_model_status_of_unknown_is_refused_in_upstreams_words(client, spec, code, message):
    """An unknown model or version has TensorFlow Serving's code and message."""
    with pytest.raises(grpc.RpcError) as error:
        client.models.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(model_spec=spec), timeout=TIMEOUT)
    assert (error.value.code().name, error.value.details()) == (code, message)


def test_predict_larger_than_default_limit_is_accepted(client):
    """Requests may be larger than gRPC's 4 MB default."""
    assert len(client.predict("checked", ["y"], x=np.zeros(1_500_000, np.float32), version=1).outputs) == 1


def test_predict_past_the_limit_is_refused_at_once(models, run_server, gate, eventually, tmp_path):
    """While as many requests as may wait do so for the only thread, another is refused; then each has its answer."""
    models.install(tmp_path)
    before = set(threading.enumerate())
    client = run_server(tmp_path, grpc_max_threads=1, max_waiting_requests=2)
    request = predict_pb2.PredictRequest(model_spec={"name": "gadgets", "signature_name": "content_of"})
    request.inputs["file"].CopyFrom(tf.make_tensor_proto(str(gate.path)))
    calls = [client.predictions.Predict.future(request, timeout=TIMEOUT) for _ in range(4)]
    eventually(lambda: any(call.done() for call in calls))
    (refused,) = [call for call in calls if call.done()]
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    gate.open("done")
    assert [list(call.result().outputs["content"].string_val) for call in calls if call is not refused] == [
        [b"done"]
    ] * 3
    assert sum(thread.name.startswith("grpc_") for thread in set(threading.enumerate()) - before) == 1


def test_predict_error_that_quotes_bytes_is_readable(client):
    """An error of the graph that quotes an input which is no UTF-8 is INVALID_ARGUMENT, with a mark for such bytes."""
    with pytest.raises(grpc.RpcError, match="could not correctly convert string: \ufffdx") as error:
        client.predict("number", text=[b"\xffx"])
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_predict_two_hundred_calls_at_once_wait_their_turn(models, run_server, tmp_path):
    """Calls that come together are all answered, however few threads there are."""
    models.install(tmp_path)
    client = run_server(tmp_path, grpc_max_threads=2, rest_api_num_threads=2)
    request = predict_pb2.PredictRequest(model_spec={"name": "gadgets"})
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    calls = [client.predictions.Predict.future(request, timeout=TIMEOUT) for _ in range(200)]
    with ThreadPoolExecutor(200) as pool:
        posts = [pool.submit(client.post, {"instances": [1.0]}) for _ in range(200)]
    assert [list(call.result().outputs["y"].float_val) for call in calls] == [[2.5]] * 200
    assert [post.result().json() for post in posts] == [{"predictions": [2.5]}] * 200


@pytest.mark.parametrize(
    ("dtype", "shape", "values"),
    [
        ("DT_STRING", [10**9], {"string_val": [b"a"]}),
        ("DT_FLOAT", [2**40], {"float_val": [1.0]}),
        ("DT_FLOAT", [2**20, 2**20, 2**20], {}),
        ("DT_FLOAT", [2**40], {"tensor_content": b"1234"}),
        ("DT_HALF", [2**62, 0, 2**62], {}),
        ("DT_FLOAT", [1] * 300, {"float_val": [1.0]}),
        ("DT_FLOAT", [-1], {"float_val": [1.0]}),
    ],
)
def test_predict_absurd_shape_is_refused_at_once(client, dtype, shape, values):
    """A shape that asks for more than was sent costs nothing but an error that names the input."""
    proto = tf.make_tensor_proto(0).__class__(
        dtype=dtype, tensor_shape={"dim": [{"size": size} for size in shape]}, **values
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(grpc.RpcError, match="tensor parsing error: x") as error:
        client.predict(x=proto)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # kilobytes


def test_channel_arguments_reach_grpc(models, run_server, tmp_path):
    """--grpc_channel_arguments are options of the server, numbers among them as numbers."""
    models.install(tmp_path)
    arguments = "grpc.max_receive_message_length=100,,grpc.primary_user_agent=tester"
    client = run_server(tmp_path, grpc_channel_arguments=arguments)
    assert list(client.predict(x=[1.0]).outputs["y"].float_val) == [2.5]
    with pytest.raises(grpc.RpcError, match="larger than max") as error:
        client.predict(x=np.arange(100, dtype=np.float32))
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def check_health(client, name):
    """Ask for the health of a service."""
    request = health_pb2.HealthCheckRequest(service=name)
    return health_pb2_grpc.HealthStub(client.channel).Check(request, timeout=TIMEOUT).status


def test_check_names_of_upstream_are_serving(models, run_server, tmp_path):
    """The server and its two services are healthy; other names are not known."""
    models.install(tmp_path)
    client = run_server(tmp_path, enable_grpc_healthcheck_service=True)
    for name in ("", "ModelService", "PredictionService"):
        assert check_health(client, name) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as error:
        check_health(client, "tensorflow.serving.PredictionService")
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


def test_check_without_flag_is_unimplemented(client):
    """Without --enable_grpc_healthcheck_service there is no such service."""
    with pytest.raises(grpc.RpcError) as error:
        check_health(client, "")
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
