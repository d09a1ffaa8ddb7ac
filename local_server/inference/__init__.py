"""Inference: a request's values in, a loaded version's outputs out, for either protocol."""
