"""The same service as other people build it."""
