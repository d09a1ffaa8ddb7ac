"""The verbs of the `dog-breed` command, one module for each kind."""
