"""The gateway: HTTP in front, TensorFlow Serving over gRPC behind, and no TensorFlow in it."""
