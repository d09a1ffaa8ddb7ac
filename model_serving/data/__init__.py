"""Labelled photos on disk: fetched, looked over, and read."""
