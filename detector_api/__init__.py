"""The gateway: HTTP in front, TensorFlow Serving over gRPC behind, and no TensorFlow in it."""

import os

# gRPC writes past the log, to stderr, when a server goes away; it reads this once, when it is first imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
