"""Classes of ImageNet that show dogs, by the usual names of their breeds."""

from __future__ import annotations

from model_serving.photos.labels import BREEDS

# Classes of ImageNet's 1,000 that are domestic dogs. ImageNet's own names are partly unusual ("Blenheim spaniel",
# "Mexican hairless"): they stand in the table as further spellings.
IMAGENET_DOGS = slice(151, 269)

_BY_CLASS = {facts["imagenet"]: breed for breed, facts in BREEDS.items() if "imagenet" in facts}

IMAGENET_BREEDS: tuple[str, ...] = tuple(_BY_CLASS[number] for number in range(IMAGENET_DOGS.start, IMAGENET_DOGS.stop))
