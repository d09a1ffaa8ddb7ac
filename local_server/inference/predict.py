"""Prediction, for either protocol: check the request against the signature, run it, return the outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from local_server.errors import Code, FailedPreconditionError, InvalidArgumentError, StatusError
from local_server.inference.servable import Servable
from local_server.inference.tensors import Array, OversizeError, to_array

DEFAULT_SIGNATURE = "serving_default"

_METHODS = ("tensorflow/serving/predict", "tensorflow/serving/classify", "tensorflow/serving/regress")


def predict(
    servable: Servable,
    signature_name: str,
    inputs: Mapping[str, tensor_pb2.TensorProto | Array],
    output_filter: Sequence[str] = (),
    timeout_ms: int | None = None,
) -> dict[str, Array]:
    """Return a signature's outputs by alias, or those in `output_filter` if it names any.

    Raises a StatusError with TensorFlow Serving's message if the request does not fit the signature.
    """
    signature_name = signature_name or DEFAULT_SIGNATURE
    if signature_name not in servable.signatures:
        raise FailedPreconditionError(f'Serving signature key "{signature_name}" not found.')
    signature = servable.signatures[signature_name]
    if servable.checks_method_names:
        _check_method(signature)
    _check_inputs(signature, inputs)
    sent = {**signature.defaults, **inputs}
    feeds = {info.name: _decoded(alias, sent[alias]) for alias, info in signature.inputs.items()}
    _check_outputs(signature, output_filter)
    fetches = {alias: info.name for alias, info in signature.outputs.items()}
    return servable.run(feeds, fetches, output_filter or list(fetches), timeout_ms)


def _check_method(signature: meta_graph_pb2.SignatureDef) -> None:
    if signature.method_name not in _METHODS:
        raise StatusError(
            f"Expected prediction signature method_name to be one of {{{', '.join(_METHODS)}}}. "
            f"Was: {signature.method_name}",
            Code.INTERNAL,
        )


def _check_inputs(signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, object]) -> None:
    extra = inputs.keys() - signature.inputs.keys()
    missing = signature.inputs.keys() - inputs.keys() - signature.defaults.keys()
    if not extra and not missing:
        return
    if len(inputs) != len(signature.inputs):
        raise InvalidArgumentError(
            f"input size does not match signature: {len(inputs)}!={len(signature.inputs)} "
            f"len({_braced(inputs)}) != len({_braced(signature.inputs)}). "
            f"Sent extra: {_braced(extra)}. Missing but required: {_braced(missing)}."
        )
    if missing:
        alias = min(missing)
        raise InvalidArgumentError(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not found in request and no "
            f"default value provided. Inputs expected to be in the request {_braced(inputs)}, "
            f"or default input alias set: {','.join(sorted(signature.defaults))}"
        )
    used, sent = sorted(inputs.keys() & signature.inputs.keys()), sorted(inputs)
    raise InvalidArgumentError(
        f"Inputs contains invalid name. Used request inputs: {','.join(used)}, request input: {','.join(sent)}"
    )


def _check_outputs(signature: meta_graph_pb2.SignatureDef, output_filter: Sequence[str]) -> None:
    seen: set[str] = set()
    for alias in output_filter:
        if alias not in signature.outputs:
            raise InvalidArgumentError(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_braced(signature.outputs)}."
            )
        if alias in seen:
            raise InvalidArgumentError(f"duplicate output tensor alias: {alias}")
        seen.add(alias)


def _decoded(alias: str, value: tensor_pb2.TensorProto | Array) -> Array:
    if not isinstance(value, tensor_pb2.TensorProto):
        return value
    try:
        return to_array(value)
    except OversizeError as error:
        raise InvalidArgumentError(f"tensor parsing error: {alias}: {error}") from error
    except ValueError as error:
        raise InvalidArgumentError(f"tensor parsing error: {alias}") from error


def _braced(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
