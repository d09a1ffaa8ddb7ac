"""The page, and the one process that serves it with the gateway on a laptop."""
