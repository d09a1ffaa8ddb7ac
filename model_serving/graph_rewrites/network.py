"""A frozen graph while it is being rewritten: the nodes by name, and the few questions that rewrites ask of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, graph_pb2, node_def_pb2, versions_pb2

Attributes = dict[str, attr_value_pb2.AttrValue]


class Network:
    """The nodes that `outputs` and the placeholders need. Rewrites keep a node's name when they change what it does.

    Every node that is rewritten has one output, so that a tensor goes by the name of its node. Control inputs are
    dropped: nothing in a frozen network has a side effect.
    """

    def __init__(self, graph_def: graph_pb2.GraphDef, outputs: Sequence[str]) -> None:
        self.nodes: dict[str, node_def_pb2.NodeDef] = {}
        self._uses: dict[str, list[node_def_pb2.NodeDef]] | None = None
        self.versions: versions_pb2.VersionDef = graph_def.versions
        self.outputs = tuple(outputs)
        for original in graph_def.node:
            node = self.nodes[original.name] = node_def_pb2.NodeDef()
            node.CopyFrom(original)
            node.input[:] = [name for name in original.input if not name.startswith("^")]
        self.prune()

    def of_type(self, *ops: str) -> Iterator[node_def_pb2.NodeDef]:
        """Yield the nodes with one of these ops; the network may change meanwhile."""
        yield from [node for node in self.nodes.values() if node.op in ops]

    def producer(self, node: node_def_pb2.NodeDef, index: int) -> node_def_pb2.NodeDef:
        """Return the node that computes an input of `node`."""
        return self.nodes[_node_name(node.input[index])]

    def constant(self, node: node_def_pb2.NodeDef, index: int) -> np.ndarray | None:
        """Return an input of `node` if it is a constant."""
        producer = self.producer(node, index)
        return tf.make_ndarray(producer.attr["value"].tensor) if producer.op == "Const" else None

    def value(self, node: node_def_pb2.NodeDef, index: int) -> np.ndarray:
        """Return an input of `node` that is a constant; raises `ValueError` if it is none."""
        constant = self.constant(node, index)
        if constant is None:
            raise ValueError(f"{node.input[index]} is no constant.")
        return constant

    def per_channel(self, node: node_def_pb2.NodeDef, index: int) -> np.ndarray | None:
        """Return an input of `node` as [C] if it is a constant with a value for each channel, the last axis."""
        value = self.constant(node, index)
        return value.reshape(-1) if value is not None and value.ndim and value.shape[-1] == value.size > 1 else None

    def is_used_once(self, node: node_def_pb2.NodeDef) -> bool:
        """Return whether just one node reads `node`, so that it may be changed for that one."""
        return len(self._readers_of(node.name)) == 1 and node.name not in self.outputs

    def readers(self, node: node_def_pb2.NodeDef) -> list[node_def_pb2.NodeDef]:
        """Return the nodes that read `node`."""
        return list({reader.name: reader for reader in self._readers_of(node.name)}.values())

    def only_reader(self, node: node_def_pb2.NodeDef) -> node_def_pb2.NodeDef | None:
        """Return the node that reads `node`, None if it is an output or has not just one reader."""
        return self._readers_of(node.name)[0] if self.is_used_once(node) else None

    def _readers_of(self, name: str) -> list[node_def_pb2.NodeDef]:
        """Return what reads a node, as often as it does, from an index that is made anew after changes."""
        if self._uses is None:
            self._uses = defaultdict(list)
            for reader in self.nodes.values():
                for tensor in reader.input:
                    self._uses[_node_name(tensor)].append(reader)
        return self._uses.get(name, [])

    def redirect(self, name: str, other: str) -> None:
        """Have all that reads the node called `name` read `other` instead."""
        self._uses = None
        for reader in self.nodes.values():
            reader.input[:] = [other if _node_name(tensor) == name else tensor for tensor in reader.input]

    def shapes(self) -> dict[str, tf.TensorShape]:
        """Return the static shape of what each node computes, by the node's name."""
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(self.to_graph_def(), name="")
        return {operation.name: operation.outputs[0].shape for operation in graph.get_operations() if operation.outputs}

    def add_constant(self, name: str, value: np.ndarray) -> str:
        """Add a constant, or put it in place of the node called `name`, and return its name."""
        tensor = tf.make_tensor_proto(value)
        dtype = attr_value_pb2.AttrValue(type=tensor.dtype)
        attributes = {"dtype": dtype, "value": attr_value_pb2.AttrValue(tensor=tensor)}
        return self.put(name, "Const", [], attributes)

    def put(self, name: str, op: str, inputs: Sequence[str], attributes: Attributes) -> str:
        """Add a node, or put it in place of the node called `name`, and return its name."""
        self._uses = None
        self.nodes[name] = node_def_pb2.NodeDef(name=name, op=op, input=inputs, attr=attributes)
        return name

    def prune(self) -> None:
        """Drop the nodes that nothing needs any more, and have each of the others stand behind what it reads."""
        needed: set[str] = set()
        waiting = [*self.outputs, *(node.name for node in self.of_type("Placeholder"))]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += [_node_name(tensor) for tensor in self.nodes[name].input]
        inputs = {name: map(_node_name, node.input) for name, node in self.nodes.items() if name in needed}
        self.nodes = {name: self.nodes[name] for name in TopologicalSorter(inputs).static_order()}
        self._uses = None

    def to_graph_def(self) -> graph_pb2.GraphDef:
        """Return the graph as it is now."""
        return graph_pb2.GraphDef(node=self.nodes.values(), versions=self.versions)


def _node_name(tensor: str) -> str:
    return tensor.partition(":")[0]
