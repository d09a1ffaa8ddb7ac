"""Client of TensorFlow Serving: channel, calls, tensors, model card."""
