"""Trains a dog breed model, exports it as a SavedModel, and serves it on a laptop as TensorFlow Serving would."""
