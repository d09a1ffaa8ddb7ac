"""Classifies every photo below a folder, in this process or by asking a running server."""
