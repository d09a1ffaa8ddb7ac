"""Lifecycle of models and versions: found on disk, loaded, warmed up, replaced, unloaded."""
