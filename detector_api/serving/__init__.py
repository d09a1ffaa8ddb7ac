"""The way to TensorFlow Serving, and what it says."""
