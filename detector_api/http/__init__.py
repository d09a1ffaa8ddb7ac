"""HTTP plumbing: bodies, errors, limits."""
