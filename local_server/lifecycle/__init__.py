"""Which models and versions there are: found on disk, loaded, warmed up, replaced, unloaded."""
