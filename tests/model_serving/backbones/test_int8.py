"""Backbones in int8, and the ranges on record."""

from dataclasses import replace

import pytest

from model_serving.backbones import Backbone, load_backbone
from model_serving.backbones.int8 import in_int8, int8_record


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """Return the starter's backbone."""
    return load_backbone("efficientnet_lite2")


def test_fingerprint_in_int8_is_one_of_its_own(backbone: Backbone) -> None:
    """Features in int8 are never taken for others, in fp32 or by other ranges; those of the same network are known."""
    record = int8_record(backbone)
    assert record
    fingerprint = in_int8(backbone, record).fingerprint
    assert fingerprint == in_int8(load_backbone("efficientnet_lite2"), record).fingerprint
    *layers, last = record.ranges.layers
    wider = replace(record.ranges, layers=(*layers, replace(last, written=2 * last.written)))
    others = {backbone.fingerprint, in_int8(backbone, replace(record, ranges=wider)).fingerprint}
    assert len(others | {fingerprint}) == 3
