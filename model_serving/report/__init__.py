"""Report of a trained version: a page for people, and the same as JSON for programs."""
