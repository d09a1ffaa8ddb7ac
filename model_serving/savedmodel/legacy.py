"""Copy of a version for clients of the first Dog Breed Detector (2018), which ask by the names of its exporter.

They call the photo `examples` and its probabilities `sequential_1`, and take these for the only output of
`serving_default`, so that REST answers with a bare list. A SavedModel names its tensors itself, so that the copy works
on TensorFlow Serving as on the local server.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from model_serving.savedmodel.export import WARMUP_FILE
from model_serving.savedmodel.saved_model_file import read_saved_model
from model_serving.savedmodel.signatures import SERVING_DEFAULT
from model_serving.savedmodel.versions import write_copy

# The names then, and those of the contract now.
EXAMPLES, SEQUENTIAL = "examples", "sequential_1"
_IMAGE_BYTES, _PROBABILITIES = "image_bytes", "probabilities"


def write_legacy(model: Path, version: Path) -> Path:
    """Write the version in the folder `version` as the next one of `model`, under the names of 2018; return its path.

    Its weights are hard links to those of the other and take no space of their own. Its classes keep their order.
    """
    saved_model = read_saved_model(version)
    for meta_graph in saved_model.meta_graphs:
        signature = meta_graph.signature_def[SERVING_DEFAULT]
        photo, probabilities = signature.inputs[_IMAGE_BYTES], signature.outputs[_PROBABILITIES]
        renamed = type(signature)(
            method_name=signature.method_name, inputs={EXAMPLES: photo}, outputs={SEQUENTIAL: probabilities}
        )
        signature.CopyFrom(renamed)

    def write(folder: Path) -> None:
        (folder / tf.saved_model.SAVED_MODEL_FILENAME_PB).write_bytes(saved_model.SerializeToString())
        _write_warmup(version / WARMUP_FILE, folder / WARMUP_FILE)

    return write_copy(model, version, (tf.saved_model.SAVED_MODEL_FILENAME_PB, Path(WARMUP_FILE).name), write)


def _write_warmup(source: Path, target: Path) -> None:
    with tf.io.TFRecordWriter(str(target)) as records:
        for record in tf.data.TFRecordDataset(str(source)).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            request = log.predict_log.request
            if request.model_spec.signature_name == SERVING_DEFAULT:
                request.inputs[EXAMPLES].CopyFrom(request.inputs[_IMAGE_BYTES])
                del request.inputs[_IMAGE_BYTES]
            records.write(log.SerializeToString())
