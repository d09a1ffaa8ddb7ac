"""Computing at export what does not depend on the photo."""

from __future__ import annotations

import tensorflow as tf

from model_serving.graph_rewrites.network import Network


def fold_constants(network: Network) -> None:
    """Replace every node whose inputs are all constants by its value.

    Keras writes a normalisation as seven ops on its four parameters; what is left of it is one multiplication and one
    addition. Not applied to nodes of several outputs, to random ones, and to defaults that a client may replace.
    """
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(network.to_graph_def(), name="")
    known: set[str] = set()
    folded = []
    for operation in graph.get_operations():  # in topological order
        inputs = [tensor.op.name for tensor in operation.inputs]
        if operation.type == "Const":
            known.add(operation.name)
        elif inputs and known.issuperset(inputs) and len(operation.outputs) == 1 and _is_pure(operation):
            known.add(operation.name)
            folded.append(operation)
    needed = [op for op in folded if any(reader.name not in known for reader in op.outputs[0].consumers())]
    with tf.compat.v1.Session(graph=graph) as session:
        values = session.run([operation.outputs[0] for operation in needed])
    for operation, value in zip(needed, values, strict=True):
        network.add_constant(operation.name, value)


def _is_pure(operation: tf.Operation) -> bool:
    return not operation.op_def.is_stateful and operation.type != "PlaceholderWithDefault"
