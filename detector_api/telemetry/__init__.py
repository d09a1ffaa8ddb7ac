"""Seeing inside: one log line and a few metrics for each request, under the request's id."""
