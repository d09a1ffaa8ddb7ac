"""MultiInference: several signatures of one model for the same examples, in one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorflow_serving.apis import inference_pb2, input_pb2

from local_server.errors import InvalidArgumentError, UnimplementedError
from local_server.inference import label_protos
from local_server.inference.classify import CLASSIFY
from local_server.inference.example_method import Tensors, run_examples
from local_server.inference.predict import DEFAULT_SIGNATURE
from local_server.inference.regress import REGRESS
from local_server.inference.servable import Servable

# Each task's method, and the field of InferenceResult for what it returns.
_METHODS = {CLASSIFY.name: (CLASSIFY, "classification_result"), REGRESS.name: (REGRESS, "regression_result")}


def multi_infer(
    servable: Servable,
    tasks: Sequence[inference_pb2.InferenceTask],
    examples: input_pb2.Input,
    timeout_ms: int | None = None,
) -> list[Any]:
    """Return each task's InferenceResult, without its model_spec.

    Raises a StatusError with TensorFlow Serving's message if the tasks do not fit each other or the model.
    """
    uses: dict[str, Tensors] = {}
    for task in tasks:
        _check_name(task, tasks[0])
        signature_name = _signature_name(task)
        if signature_name in uses:
            raise InvalidArgumentError(f"Duplicate evaluation of signature: {signature_name}")
        if signature_name not in servable.signatures:
            raise InvalidArgumentError(f"Requested signature not found in model graph: {signature_name}")
        if task.method_name not in _METHODS:
            raise UnimplementedError(f"Unsupported signature method_name: {task.method_name}")
        method, _ = _METHODS[task.method_name]
        uses[signature_name] = method.tensors(servable, signature_name)
    values, count = run_examples(servable, examples, list(uses.values()), timeout_ms)
    results = []
    for task in tasks:
        method, field = _METHODS[task.method_name]
        outputs = {alias: values[name] for alias, name in uses[_signature_name(task)].outputs.items()}
        result = label_protos.InferenceResult()
        part = getattr(result, field)
        part.SetInParent()
        part.MergeFromString(method.result(outputs, count).SerializeToString())
        results.append(result)
    return results


def _check_name(task: inference_pb2.InferenceTask, first: inference_pb2.InferenceTask) -> None:
    if not task.model_spec.name:
        raise InvalidArgumentError("Found ModelSpec with an empty model name.")
    if task.model_spec.name != first.model_spec.name:
        raise InvalidArgumentError("All ModelSpecs in a MultiInferenceRequest must access the same model name.")


def _signature_name(task: inference_pb2.InferenceTask) -> str:
    return task.model_spec.signature_name or DEFAULT_SIGNATURE
