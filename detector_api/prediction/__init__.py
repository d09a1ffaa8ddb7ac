"""From a photo to its answer: taken in, decoded, asked of the model, judged by the model's own card."""
