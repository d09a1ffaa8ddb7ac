"""Bytes written by hand for the wire read as the message that protobuf would have written."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from detector_api.serving.protos import serving_pb2 as pb
from detector_api.serving.tensors import image_request


# Lengths of one byte to four on the wire, and those where one more begins.
@pytest.mark.parametrize("size", [1, 6, 7, 73, 74, 260, 836, 837])
def test_image_request_reads_as_upstreams_own(size: int) -> None:
    """Upstream's classes read the very tensor that TensorFlow makes of the pixels."""
    image = np.random.default_rng(size).integers(0, 256, (1, size, size, 3), np.uint8)
    spec = pb.ModelSpec(name="dog_breed", signature_name="pixels")

    request = predict_pb2.PredictRequest.FromString(image_request(spec, image.tobytes(), size, size))

    expected = predict_pb2.PredictRequest()
    expected.model_spec.name, expected.model_spec.signature_name = "dog_breed", "pixels"
    expected.inputs["pixels"].CopyFrom(tf.make_tensor_proto(image))
    assert request == expected
