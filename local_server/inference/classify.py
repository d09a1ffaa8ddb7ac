"""Classify: for each example the model's classes, each with a label, a score, or both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference import label_protos
from local_server.inference.example_method import ExampleMethod, dtype_name
from local_server.inference.tensors import Array, dtype_of, shape_text

_DTYPES = {"classes": tf.string, "scores": tf.float32}


class Classify(ExampleMethod[Any]):
    """Classify: the outputs `classes` (strings) and `scores` (floats), both [N, classes]; one may be missing."""

    name = "tensorflow/serving/classify"
    noun = "classification"

    def check_output_count(self, count: int) -> None:
        """Refuse any number of outputs but one and two."""
        if count not in (1, 2):
            raise InvalidArgumentError(f"Expected one or two output Tensors, found {count}")

    def outputs(self, signature: meta_graph_pb2.SignatureDef) -> dict[str, str]:
        """Return the outputs `classes` and `scores`, or the one that exists."""
        outputs = {alias: info.name for alias, info in signature.outputs.items() if alias in _DTYPES}
        if not outputs:
            raise InvalidArgumentError(
                "Expected classification signature outputs to contain at least one of "
                f'"classes" or "scores". Signature was: {signature}'
            )
        return outputs

    def result(self, outputs: Mapping[str, Array], count: int) -> Any:
        """Return the classes of each example, in the model's order, as a ClassificationResult."""
        for alias in sorted(outputs):
            _check(alias, outputs[alias], count)
        sizes = [outputs[alias].shape[1] for alias in sorted(outputs)]
        if len(set(sizes)) > 1:
            raise InvalidArgumentError(
                f"Tensors class and score should match in dim_size(1). Got {sizes[0]} vs. {sizes[1]}"
            )
        result = label_protos.ClassificationResult()
        for row in range(count):
            classes = result.classifications.add().classes
            for column in range(sizes[0]):
                entry = classes.add()
                if "classes" in outputs:
                    entry.label = outputs["classes"][row, column]
                if "scores" in outputs:
                    entry.score = outputs["scores"][row, column]
        return result


def _check(alias: str, array: Array, count: int) -> None:
    if array.ndim != 2:
        raise InvalidArgumentError(f"Expected Tensor shape: [batch_size num_classes] but got {shape_text(array.shape)}")
    if dtype_of(array) != _DTYPES[alias]:
        expected = "DT_STRING" if alias == "classes" else "DT_FLOAT"
        raise InvalidArgumentError(f"Expected {alias} Tensor of {expected}. Got: {dtype_name(array)}")
    if len(array) != count:
        raise InvalidArgumentError(f"Expected {alias} output batch size of {count}. Got: {len(array)}")


CLASSIFY = Classify()
