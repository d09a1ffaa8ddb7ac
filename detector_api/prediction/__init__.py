"""Prediction: admission, decoding, the call of the model."""
