"""Metrics of the server, in Prometheus's text format."""
