"""Common part of Classify and Regress: tf.Examples in, a result of a fixed form out for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import input_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference.predict import DEFAULT_SIGNATURE
from local_server.inference.servable import Servable
from local_server.inference.tensors import Array, dtype_of

Result = TypeVar("Result")


@dataclass(frozen=True)
class Tensors:
    """The tensors that a method uses of a signature: where the examples go, and its outputs by alias."""

    examples: str
    outputs: Mapping[str, str]


class ExampleMethod(ABC, Generic[Result]):
    """Base of Classify and Regress; `name` is the method name in signatures, `noun` the word in messages."""

    name: ClassVar[str]
    noun: ClassVar[str]

    @abstractmethod
    def check_output_count(self, count: int) -> None:
        """Raise InvalidArgumentError if a signature cannot have so many outputs."""

    @abstractmethod
    def outputs(self, signature: meta_graph_pb2.SignatureDef) -> dict[str, str]:
        """Return the outputs to use, tensors by alias; raise InvalidArgumentError if the signature lacks them."""

    @abstractmethod
    def result(self, outputs: Mapping[str, Array], count: int) -> Result:
        """Return the outputs, by alias, as the reply for `count` examples, or raise InvalidArgumentError."""

    def tensors(self, servable: Servable, signature_name: str) -> Tensors:
        """Return the tensors to use, or raise InvalidArgumentError for a signature that does not fit the method."""
        signature = servable.signatures[signature_name]
        if servable.checks_method_names and signature.method_name != self.name:
            raise InvalidArgumentError(
                f"Expected {self.noun} signature method_name to be {self.name}. Was: {signature.method_name}"
            )
        if len(signature.inputs) != 1:
            raise InvalidArgumentError("Expected one input Tensor.")
        self.check_output_count(len(signature.outputs))
        if "inputs" not in signature.inputs:
            raise InvalidArgumentError(f"No {self.noun} inputs found in SignatureDef: {signature}")
        return Tensors(signature.inputs["inputs"].name, self.outputs(signature))

    def run(
        self, servable: Servable, signature_name: str, examples: input_pb2.Input, timeout_ms: int | None = None
    ) -> Result:
        """Answer a request. Raises a StatusError with TensorFlow Serving's message if it does not fit the model."""
        signature_name = signature_name or DEFAULT_SIGNATURE
        if signature_name not in servable.signatures:
            raise InvalidArgumentError(f"No signature was found with the name: {signature_name}")
        tensors = self.tensors(servable, signature_name)
        values, count = run_examples(servable, examples, [tensors], timeout_ms)
        return self.result({alias: values[name] for alias, name in tensors.outputs.items()}, count)


def run_examples(
    servable: Servable, examples: input_pb2.Input, uses: Iterable[Tensors], timeout_ms: int | None
) -> tuple[dict[str, Array], int]:
    """Run the model once for all uses; return the outputs by the name of their tensor, and the number of examples."""
    serialized = serialize(examples)
    feeds = {tensors.examples: serialized for tensors in uses}
    fetches = {name: name for tensors in uses for name in tensors.outputs.values()}
    return servable.run(feeds, fetches, list(fetches), timeout_ms), len(serialized)


def serialize(examples: input_pb2.Input) -> Array:
    """Return each example's bytes, each with the context they share merged in, as an array of strings [N].

    Raises InvalidArgumentError if there is none.
    """
    context = b""
    entries = examples.example_list.examples
    if examples.HasField("example_list_with_context"):
        context = examples.example_list_with_context.context.SerializeToString()
        entries = examples.example_list_with_context.examples
    if not entries:
        raise InvalidArgumentError("Input is empty.")
    # Protos merge when their bytes are joined. A feature in both is the example's, which comes last.
    return np.fromiter((context + entry.SerializeToString() for entry in entries), np.object_, len(entries))


def dtype_name(array: Array) -> str:
    """Return an array's dtype as error messages name it, like DT_FLOAT."""
    return str(types_pb2.DataType.Name(dtype_of(array).as_datatype_enum))
