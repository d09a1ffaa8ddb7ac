"""A version's graph as one ONNX file, with the names of the file for devices, for runtimes of that format.

tf2onnx writes it and ONNX Runtime checks it; both come with the extra `onnx`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model_serving.errors import ReleaseError
from model_serving.savedmodel.on_device import SinglePhotoGraph, as_input
from model_serving.savedmodel.signatures import PIXELS

if TYPE_CHECKING:
    import onnx

# The newest set of operations that ONNX Runtime of two years ago has.
_OPERATORS = 18


class OnnxModel:
    """Such a file, open in ONNX Runtime."""

    def __init__(self, content: bytes) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]

    def ask(self, photo: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for one photo, pixels uint8 [size, size, 3], by name."""
        values = self._session.run(self._names, {PIXELS: as_input(photo)})
        return dict(zip(self._names, values, strict=True))


def convert_to_onnx(single: SinglePhotoGraph) -> bytes:
    """Return the file of a graph, weights in float32. Raises `ReleaseError` without the extra `onnx`."""
    try:
        import onnxruntime  # noqa: F401
        import tf2onnx
    except ImportError as error:
        raise ReleaseError(
            "ONNX needs the extra `onnx`: pip install --constraint constraints.txt --editable '.[onnx]'"
        ) from error
    model, _ = tf2onnx.convert.from_graph_def(
        single.graph.as_graph_def(),
        input_names=[single.photo.name],
        output_names=[tensor.name for tensor in single.outputs.values()],
        opset=_OPERATORS,
    )
    _rename(model, {single.photo.name: PIXELS} | {tensor.name: alias for alias, tensor in single.outputs.items()})
    content: bytes = model.SerializeToString()
    return content


def _rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    """Give tensors other names, wherever they are read or written."""
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
