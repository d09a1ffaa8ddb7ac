"""Releases: versions promoted, rolled back, kept on the shelf, or served beside another under a label."""
