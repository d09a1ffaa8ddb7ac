"""Regress: one number for each example."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import regression_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference.example_method import ExampleMethod, dtype_name
from local_server.inference.tensors import Array, shape_text


class Regress(ExampleMethod[regression_pb2.RegressionResult]):
    """Regress: the output `outputs`, floats [N] or [N, 1]."""

    name = "tensorflow/serving/regress"
    noun = "regression"

    def check_output_count(self, count: int) -> None:
        """Refuse any number of outputs but one."""
        if count != 1:
            raise InvalidArgumentError("Expected one output Tensor.")

    def outputs(self, signature: meta_graph_pb2.SignatureDef) -> dict[str, str]:
        """Return the one output, `outputs`."""
        if "outputs" not in signature.outputs:
            raise InvalidArgumentError(f"No regression outputs found in SignatureDef: {signature}")
        return {"outputs": signature.outputs["outputs"].name}

    def result(self, outputs: Mapping[str, Array], count: int) -> regression_pb2.RegressionResult:
        """Return the number for each example."""
        array = outputs["outputs"]
        if array.ndim != 1 and not (array.ndim == 2 and array.shape[1] == 1):
            raise InvalidArgumentError(
                "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] "
                f"but got {shape_text(array.shape)}"
            )
        if len(array) != count:
            raise InvalidArgumentError(f"Input batch size did not match output batch size: {count} vs. {len(array)}")
        if array.dtype != np.float32:
            raise InvalidArgumentError(f"Expected output Tensor of DT_FLOAT.  Got: {dtype_name(array)}")
        result = regression_pb2.RegressionResult()
        for value in array.reshape(-1).tolist():
            result.regressions.add().value = value
        return result


REGRESS = Regress()
