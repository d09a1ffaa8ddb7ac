"""The local server: TensorFlow Serving's gRPC and REST API from Python, for any SavedModel."""
