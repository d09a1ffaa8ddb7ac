"""Counts and times of what the server does, in Prometheus's text format."""
