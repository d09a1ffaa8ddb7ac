"""The SavedModel contract: its signatures, its model card, its versions on disk."""
