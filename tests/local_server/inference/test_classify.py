"""Classify refuses signatures and outputs that it cannot read, in TensorFlow Serving's words."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tensorflow.core.protobuf import meta_graph_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference.classify import CLASSIFY

LABELS = np.array([[b"a", b"b"]], np.object_)
SCORES = np.float32([[0.5, 0.25]])


def servable(inputs, outputs, checks_method_names=False):
    """Make a servable with one signature whose tensors have the names of their aliases, made for predict."""
    signature = meta_graph_pb2.SignatureDef(
        inputs={alias: {"name": alias} for alias in inputs},
        outputs={alias: {"name": alias} for alias in outputs},
        method_name="tensorflow/serving/predict",
    )
    return SimpleNamespace(signatures={"s": signature}, checks_method_names=checks_method_names)


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (["inputs", "x"], ["scores"], "Expected one input Tensor."),
        ([], ["scores"], "Expected one input Tensor."),
        (["inputs"], [], "Expected one or two output Tensors, found 0"),
        (["inputs"], ["scores", "classes", "x"], "Expected one or two output Tensors, found 3"),
        (["x"], ["y"], "No classification inputs found in SignatureDef: "),
        (
            ["inputs"],
            ["x", "y"],
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            "Signature was: ",
        ),
    ],
)
def test_tensors_of_unfit_signature_is_refused(inputs, outputs, message):
    """A signature must have one input, `inputs`, and `classes` or `scores` among at most two outputs."""
    with pytest.raises(InvalidArgumentError) as error:
        CLASSIFY.tensors(servable(inputs, outputs), "s")
    assert error.value.message.startswith(message)


def test_tensors_of_signature_for_another_method_depends_on_the_flag():
    """The method that a signature names matters only with --enable_signature_method_name_check."""
    tensors = CLASSIFY.tensors(servable(["inputs"], ["scores", "x"]), "s")
    assert (tensors.examples, tensors.outputs) == ("inputs", {"scores": "scores"})
    with pytest.raises(InvalidArgumentError) as error:
        CLASSIFY.tensors(servable(["inputs"], ["scores"], checks_method_names=True), "s")
    assert error.value.message == (
        "Expected classification signature method_name to be tensorflow/serving/classify. "
        "Was: tensorflow/serving/predict"
    )


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({"classes": LABELS, "scores": SCORES}, [(b"a", 0.5), (b"b", 0.25)]),
        ({"classes": LABELS}, [(b"a", 0), (b"b", 0)]),
        ({"scores": SCORES}, [(b"", 0.5), (b"", 0.25)]),
    ],
)
def test_result_holds_labels_and_scores(outputs, expected):
    """Each class has its label and its score, or the one of them that the model gives."""
    (classification,) = CLASSIFY.result(outputs, 1).classifications
    assert [(entry.label, entry.score) for entry in classification.classes] == expected


def test_result_keeps_label_that_is_no_text():
    """A label that is no UTF-8 goes out as it is, in the bytes of a ClassificationResult."""
    result = CLASSIFY.result({"classes": np.array([[b"\xff"]], np.object_)}, 1)
    assert result.SerializeToString() == bytes.fromhex("0a 05 0a 03 0a 01 ff")


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"classes": LABELS[0]}, "Expected Tensor shape: [batch_size num_classes] but got [2]"),
        ({"scores": SCORES[None]}, "Expected Tensor shape: [batch_size num_classes] but got [1,1,2]"),
        ({"classes": SCORES}, "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
        ({"scores": SCORES.astype(np.float64)}, "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        ({"classes": LABELS.repeat(2, 0)}, "Expected classes output batch size of 1. Got: 2"),
        ({"scores": SCORES.repeat(2, 0)}, "Expected scores output batch size of 1. Got: 2"),
        (
            {"classes": LABELS, "scores": SCORES[:, :1]},
            "Tensors class and score should match in dim_size(1). Got 2 vs. 1",
        ),
    ],
)
def test_result_of_unfit_output_is_refused(outputs, message):
    """Outputs must be [N, number of classes], strings or floats, for as many examples as were sent."""
    with pytest.raises(InvalidArgumentError) as error:
        CLASSIFY.result(outputs, 1)
    assert error.value.message == message
