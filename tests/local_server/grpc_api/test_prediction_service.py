"""Classify, Regress and MultiInference answer, and refuse, as TensorFlow Serving does."""

from __future__ import annotations

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, inference_pb2, input_pb2, regression_pb2

TIMEOUT = 60


def examples(*values):
    """Make an input of one example for each value, in the feature x."""
    return input_pb2.Input(
        example_list=input_pb2.ExampleList(
            examples=[
                tf.train.Example(
                    features=tf.train.Features(
                        feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[value]))}
                    )
                )
                for value in values
            ]
        )
    )


def task(signature, name="gadgets", **fields):
    """Make a task that uses the signature by the method of the same name."""
    spec = {"name": name, "signature_name": signature}
    return inference_pb2.InferenceTask(model_spec=spec, method_name=f"tensorflow/serving/{signature}", **fields)


def refusal(call, request):
    """Return the status and the message with which a call fails."""
    with pytest.raises(grpc.RpcError) as error:
        call(request, timeout=TIMEOUT)
    return error.value.code().name, error.value.details()


def test_classify_returns_classes_of_each_example(client):
    """Each example has its classes, and the reply says which version and signature answered."""
    request = classification_pb2.ClassificationRequest(
        model_spec={"name": "gadgets", "signature_name": "classify"}, input=examples(0.5, 2)
    )
    response = client.predictions.Classify(request, timeout=TIMEOUT)
    assert [[(entry.label, entry.score) for entry in each.classes] for each in response.result.classifications] == [
        [("gear", 0.5), ("GEAR", -0.5)],
        [("gear", 2), ("GEAR", -2)],
    ]
    assert (response.model_spec.name, response.model_spec.version.value) == ("gadgets", 1)
    assert response.model_spec.signature_name == "classify"


def test_regress_returns_number_of_each_example(client):
    """Each example has its number, and the reply says which version and signature answered."""
    request = regression_pb2.RegressionRequest(
        model_spec={"name": "gadgets", "signature_name": "regress"}, input=examples(2, 4)
    )
    response = client.predictions.Regress(request, timeout=TIMEOUT)
    assert [entry.value for entry in response.result.regressions] == [3, 4]
    assert (response.model_spec.version.value, response.model_spec.signature_name) == (1, "regress")


def test_multi_inference_answers_all_tasks(client):
    """Tasks come back in their order, each with its kind of result and its model_spec."""
    request = inference_pb2.MultiInferenceRequest(tasks=[task("regress"), task("classify")], input=examples(2))
    regressed, classified = client.predictions.MultiInference(request, timeout=TIMEOUT).results
    assert [entry.value for entry in regressed.regression_result.regressions] == [3]
    assert [entry.score for entry in classified.classification_result.classifications[0].classes] == [2, -2]
    for result, signature in ((regressed, "regress"), (classified, "classify")):
        assert (result.model_spec.name, result.model_spec.signature_name) == ("gadgets", signature)
        assert result.model_spec.version.value == 1


CASES = {
    "no spec": ({}, "INVALID_ARGUMENT", "Missing ModelSpec"),
    "unknown model": ({"name": "foo"}, "NOT_FOUND", "Servable not found for request: Latest(foo)"),
    "unknown signature": (
        {"name": "gadgets", "signature_name": "zz"},
        "INVALID_ARGUMENT",
        "No signature was found with the name: zz",
    ),
    "no input": ({"name": "gadgets", "signature_name": "classify"}, "INVALID_ARGUMENT", "Input is empty."),
}


@pytest.mark.parametrize(("spec", "code", "message"), CASES.values(), ids=CASES)
def test_classify_wrong_request_is_refused_in_upstreams_words(client, spec, code, message):
    """Each fault of a request has TensorFlow Serving's code and message."""
    request = classification_pb2.ClassificationRequest(**({"model_spec": spec} if spec else {}))
    assert refusal(client.predictions.Classify, request) == (code, message)


def test_regress_signature_of_other_form_is_refused(client):
    """A signature is judged by its inputs and outputs; without a name it is serving_default."""
    request = regression_pb2.RegressionRequest(model_spec={"name": "gadgets"}, input=examples(1))
    code, message = refusal(client.predictions.Regress, request)
    assert code == "INVALID_ARGUMENT"
    assert message.startswith("No regression inputs found in SignatureDef: ")


@pytest.mark.parametrize(
    ("tasks", "code", "message"),
    [
        ([], "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        ([task("regress", name="foo")], "NOT_FOUND", "Servable not found for request: Latest(foo)"),
        (
            [task("regress"), task("classify", name="")],
            "INVALID_ARGUMENT",
            "Found ModelSpec with an empty model name.",
        ),
        (
            [task("regress"), task("classify", name="foo")],
            "INVALID_ARGUMENT",
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        ([task("regress"), task("regress")], "INVALID_ARGUMENT", "Duplicate evaluation of signature: regress"),
        ([task("zz")], "INVALID_ARGUMENT", "Requested signature not found in model graph: zz"),
        (
            [task("two")],
            "UNIMPLEMENTED",
            "Unsupported signature method_name: tensorflow/serving/two",
        ),
        ([task("regress")], "INVALID_ARGUMENT", "Input is empty."),
    ],
)
def test_multi_inference_wrong_request_is_refused_in_upstreams_words(client, tasks, code, message):
    """Tasks must be of one model, each of another signature, and made for tf.Examples."""
    request = inference_pb2.MultiInferenceRequest(tasks=tasks)
    assert refusal(client.predictions.MultiInference, request) == (code, message)


def test_predict_signature_for_another_method_depends_on_the_flag(models, run_server, tmp_path):
    """With --enable_signature_method_name_check a method refuses signatures that were made for another."""
    models.install(tmp_path)
    client = run_server(tmp_path, enable_signature_method_name_check=True)
    assert client.predict("regress", inputs=[examples(2).example_list.examples[0].SerializeToString()]).outputs
    request = regression_pb2.RegressionRequest(model_spec={"name": "gadgets"}, input=examples(1))
    assert refusal(client.predictions.Regress, request) == (
        "INVALID_ARGUMENT",
        "Expected regression signature method_name to be tensorflow/serving/regress. Was: tensorflow/serving/predict",
    )
