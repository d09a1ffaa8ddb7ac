"""The gateway: a photo in over HTTP, a breed out, with TensorFlow Serving behind it and no TensorFlow in it."""
