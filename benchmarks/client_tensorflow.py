"""The other side of `benchmarks.client`: a client of TensorFlow Serving as it is usually written.

It is given a port, and prints for each number of seconds on stdin how many calls it made in them.
"""

from __future__ import annotations

import sys
import time

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.echo import SIZE


def main() -> None:
    """Call one after the other."""
    channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    pixels = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    for line in sys.stdin:
        calls, end = 0, time.perf_counter() + float(line)
        while time.perf_counter() < end:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "dog_breed"
            request.model_spec.signature_name = "pixels"
            request.inputs["pixels"].CopyFrom(tf.make_tensor_proto(pixels))
            reply = stub.Predict(request, timeout=5, wait_for_ready=True)
            for name in ("top_breeds", "top_probabilities", "dog_probability"):
                tf.make_ndarray(reply.outputs[name])
            calls += 1
        print(calls, flush=True)


if __name__ == "__main__":
    main()
