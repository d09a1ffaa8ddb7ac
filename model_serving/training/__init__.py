"""From class folders of photos to a trained head: photos, features, head, figures."""
