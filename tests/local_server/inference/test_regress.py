"""Regress refuses signatures and outputs that it cannot read, in TensorFlow Serving's words."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tensorflow.core.protobuf import meta_graph_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference.regress import REGRESS


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (["inputs", "x"], ["outputs"], "Expected one input Tensor."),
        (["inputs"], ["outputs", "x"], "Expected one output Tensor."),
        (["x"], ["y"], "No regression inputs found in SignatureDef: "),
        (["inputs"], ["x"], "No regression outputs found in SignatureDef: "),
    ],
)
def test_tensors_of_unfit_signature_is_refused(inputs, outputs, message):
    """A signature must have one input, `inputs`, and one output, `outputs`."""
    signature = meta_graph_pb2.SignatureDef(
        inputs={alias: {"name": alias} for alias in inputs}, outputs={alias: {"name": alias} for alias in outputs}
    )
    servable = SimpleNamespace(signatures={"s": signature}, checks_method_names=False)
    with pytest.raises(InvalidArgumentError) as error:
        REGRESS.tensors(servable, "s")
    assert error.value.message.startswith(message)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_result_holds_a_number_for_each_example(shape):
    """A column and a list are the same."""
    result = REGRESS.result({"outputs": np.float32([1.5, 2]).reshape(shape)}, 2)
    assert [entry.value for entry in result.regressions] == [1.5, 2]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            np.float32([[1, 2]]),
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,2]",
        ),
        (np.float32(1), "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got []"),
        (np.float32([1, 2]), "Input batch size did not match output batch size: 1 vs. 2"),
        (np.int64([1]), "Expected output Tensor of DT_FLOAT.  Got: DT_INT64"),
    ],
)
def test_result_of_unfit_output_is_refused(output, message):
    """The output must be floats, [N] or [N, 1], for as many examples as were sent."""
    with pytest.raises(InvalidArgumentError) as error:
        REGRESS.result({"outputs": output}, 1)
    assert error.value.message == message
