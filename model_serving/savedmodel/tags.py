"""Tags of the graphs that a version may have, by which servers choose: `--saved_model_tags=serve,int8`."""

from __future__ import annotations

import os

from model_serving.savedmodel.card import INT8

FLOAT32_TAGS: tuple[str, ...] = ("serve",)
INT8_TAGS = (*FLOAT32_TAGS, INT8)
# With "off" the graph in fp32 answers, whatever graphs a version has.
SETTING = "DOG_BREED_INT8"


def preferred_tags() -> tuple[str, ...]:
    """Return the tags of the graph that is to answer where a version has it and this machine can run it."""
    return FLOAT32_TAGS if os.environ.get(SETTING) == "off" else INT8_TAGS
