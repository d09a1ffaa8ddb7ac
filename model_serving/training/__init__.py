"""Training: features of photos, the head, its calibration, its evaluation."""
