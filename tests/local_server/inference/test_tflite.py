"""A version's model.tflite answers Predict as the SavedModel would, with the signatures stored in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from flatbuffers import flexbuffers
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from local_server.errors import StatusError

# There is no other interpreter in TensorFlow's package yet.
pytestmark = pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")


@pytest.fixture(scope="module")
def half_plus_three() -> bytes:
    """A model without signatures: y = x / 2 + 3, where x is [1] until other shapes come."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [1], "x")
        y = tf.add(x / 2, 3, "y")
        return v1.lite.TFLiteConverter.from_session(session, [x], [y]).convert()


def with_signature(content: bytes, name: str, signature: meta_graph_pb2.SignatureDef) -> bytes:
    """Store a SignatureDef where TensorFlow Serving's tools do: in a map of strings in the model's metadata."""
    stored = flexbuffers.Builder()
    with stored.Map():
        stored.Key(name)
        # Not Builder.String(), which takes text alone.
        stored._WriteBlob(signature.SerializeToString(), append_zero=True, type_=flexbuffers.Type.STRING)
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = b"signature_defs_metadata", len(model.buffers)
    buffer.data = list(bytes(stored.Finish()))
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def put(content: bytes, base_path: Path) -> None:
    """Make a version that holds nothing but a model.tflite."""
    (base_path / "1").mkdir()
    (base_path / "1" / "model.tflite").write_bytes(content)


def test_predict_without_stored_signature_uses_names_of_tensors(run_server, half_plus_three, tmp_path):
    """serving_default is made up of the model's inputs and outputs; other batch sizes than the model's are taken."""
    put(half_plus_three, tmp_path)
    client = run_server(tmp_path, prefer_tflite_model=True)
    for x, y in (([2.0], [4.0]), ([2.0, 4.0], [4.0, 5.0]), ([2.0], [4.0])):
        response = client.predict(x=x)
        assert tf.make_ndarray(response.outputs["y"]).tolist() == y
    assert response.model_spec.version.value == 1
    assert client.post({"instances": [2.0]}).json() == {"predictions": [4.0]}
    metadata = client.get("/v1/models/gadgets/metadata").json()["metadata"]["signature_def"]["signature_def"]
    assert metadata["serving_default"]["inputs"]["x"]["tensor_shape"]["dim"] == [{"size": "1", "name": ""}]


def test_predict_with_stored_signature_uses_its_names(run_server, half_plus_three, tmp_path):
    """A stored signature counts, even if it names tensors with the number that converters cut off."""
    signature = meta_graph_pb2.SignatureDef(
        inputs={"number": {"name": "x:0"}}, outputs={"result": {"name": "y"}}, method_name="tensorflow/serving/predict"
    )
    put(with_signature(half_plus_three, "mine", signature), tmp_path)
    client = run_server(tmp_path, prefer_tflite_model=True)
    assert tf.make_ndarray(client.predict("mine", number=[2.0]).outputs["result"]).tolist() == [4.0]
    with pytest.raises(grpc.RpcError, match='Serving signature key "serving_default" not found'):
        client.predict(x=[2.0])


def test_predict_wrong_dtype_is_refused_and_harms_nothing(run_server, half_plus_three, tmp_path):
    """A request that does not fit is an error of its own; the next is answered."""
    put(half_plus_three, tmp_path)
    client = run_server(tmp_path, prefer_tflite_model=True)
    with pytest.raises(grpc.RpcError) as error:
        client.predict(x=np.int32([1]))
    assert error.value.details() == "Type mismatch: actual int32 vs. expect float"
    assert tf.make_ndarray(client.predict(x=[2.0]).outputs["y"]).tolist() == [4.0]


def test_predict_many_at_once_answers_each_right(run_server, half_plus_three, tmp_path):
    """Requests of different sizes that come together do not disturb each other."""
    put(half_plus_three, tmp_path)
    client = run_server(tmp_path, prefer_tflite_model=True)
    batches = [np.arange(size, dtype=np.float32) for size in range(1, 9)] * 10
    with ThreadPoolExecutor(8) as pool:
        outputs = pool.map(lambda batch: tf.make_ndarray(client.predict(x=batch).outputs["y"]), batches)
        for batch, output in zip(batches, outputs, strict=True):
            assert output.tolist() == (batch / 2 + 3).tolist()


def test_load_prefers_model_tflite_only_if_told(models, run_server, half_plus_three, tmp_path):
    """Without the flag, and without the file, the SavedModel is served."""
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
        models.install(tmp_path / name)
    (tmp_path / "with" / "1" / "model.tflite").write_bytes(half_plus_three)
    for folder, prefer, y in (("with", True, 4.0), ("with", False, 3.0), ("without", True, 3.0)):
        client = run_server(tmp_path / folder, prefer_tflite_model=prefer)
        assert tf.make_ndarray(client.predict(x=[2.0]).outputs["y"]).tolist() == [y]


@pytest.mark.parametrize("signature", [None, meta_graph_pb2.SignatureDef(inputs={"number": {"name": "z:0"}})])
def test_load_damaged_model_is_refused(run_server, half_plus_three, tmp_path, signature):
    """A damaged model, or a signature of tensors that the model lacks, is reported and not served."""
    put(with_signature(half_plus_three, "mine", signature) if signature else b"nothing", tmp_path)
    expected = "Unknown tensor 'z'" if signature else "Cannot build FlatBufferModel from buffer"
    with pytest.raises(StatusError, match=expected):
        run_server(tmp_path, prefer_tflite_model=True)
