"""The input of Classify, Regress and MultiInference: a list of tf.Example, which the model parses itself."""

from __future__ import annotations

import numpy as np
from tensorflow_serving.apis import input_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference.tensors import Array


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
