"""Backbones in int8, by ranges on record for a backbone's weights and input size, or measured on photos at hand.

Ranges are those of the backbone alone, whatever head stands on it. To measure those on record, which writes them anew:

    python -m model_serving.backbones.int8 PHOTOS --source "Name of the data set" [--backbone NAME] [--size PIXELS]
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from model_serving.backbones.backbone import Backbone, FrozenNetwork, Networks
from model_serving.backbones.registry import load_backbone, nearest_size
from model_serving.data.batches import decoded_batches
from model_serving.data.files import photos_below
from model_serving.graph_rewrites.int8 import quantize
from model_serving.graph_rewrites.int8.calibration import measure_ranges
from model_serving.graph_rewrites.int8.ranges import ChannelRanges, LayerRange, Ranges

RECORD = Path(__file__).with_name("int8_ranges.json")
# So many photos, spread over a folder, are measured; their tensors are held in memory.
MEASURED_PHOTOS = 50


@dataclass(frozen=True)
class Int8Record:
    """Ranges of a backbone, and what the record says of the photos they were measured on."""

    ranges: Ranges
    photos: dict[str, Any]


def int8_record(backbone: Backbone, *, nearest: bool = False) -> Int8Record | None:
    """Return the ranges on record for the backbone's weights at its input size, None if there are none.

    With `nearest` those of the nearest size will do, for who has no photos. They hold a little less well.
    """
    by_size, size = json.loads(RECORD.read_text(encoding="utf-8")).get(backbone.name, {}), backbone.geometry.size
    values = by_size.get(nearest_size(by_size, size) if nearest and by_size else str(size))
    if values is None or values["weights"] != weights_digest(backbone):
        return None
    layers = [LayerRange(read, written, tuple(correction)) for read, written, correction in values["layers"]]
    layers[-1] = replace(layers[-1], gain=values["gain"])
    parts, sums = (
        tuple(ChannelRanges(*np.array(ends, np.float32)) for ends in values.get(name, ())) for name in ("parts", "sums")
    )
    return Int8Record(Ranges(tuple(layers), parts, sums), values["photos"])


def measured_record(backbone: Backbone, photos: Sequence[Path], source: str) -> Int8Record | None:
    """Return ranges measured on some of the photos, which `source` names; None if none of these can be read."""
    paths = photos[:: max(1, len(photos) // MEASURED_PHOTOS)][:MEASURED_PHOTOS]
    read = [
        [pixels for _, pixels in decoded if isinstance(pixels, np.ndarray)]
        for decoded in decoded_batches(paths, backbone.geometry)
    ]
    batches = [np.stack(pixels) for pixels in read if pixels]
    if not batches:
        return None
    network = backbone.folded
    ranges = measure_ranges(network.graph_def, network.pixels, network.output, batches)
    return Int8Record(ranges, {"from": source, "measured": sum(len(batch) for batch in batches)})


def int8_networks(backbone: Backbone, record: Int8Record) -> Networks:
    """Return the backbone in int8."""
    return Networks(_quantized(backbone.folded, record), _quantized(backbone.folded_at_any_size, record))


def _quantized(network: FrozenNetwork, record: Int8Record) -> FrozenNetwork:
    return replace(network, graph_def=quantize(network.graph_def, network.output, record.ranges))


@dataclass(frozen=True)
class Int8Backbone(Backbone):
    """A backbone whose features are those of its network in int8: `in_int8` makes it of one in fp32."""

    record: Int8Record

    @cached_property
    def frozen(self) -> FrozenNetwork:
        """The network in int8, at the model's size."""
        return _quantized(self.folded, self.record)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the backbone's own and of all numbers in its graph: features in int8 are never taken for others."""
        digest = hashlib.sha256(super().fingerprint.encode())
        for node in self.frozen.graph_def.node:
            digest.update(node.op.encode())
            if node.op == "Const":  # others would get an empty value by being asked for theirs
                digest.update(node.attr["value"].tensor.SerializeToString(deterministic=True))
        return digest.hexdigest()[:16]


def in_int8(backbone: Backbone, record: Int8Record) -> Int8Backbone:
    """Return the backbone with its features computed in int8, by these ranges."""
    return Int8Backbone(backbone.name, backbone.geometry, backbone.network, backbone.imagenet, record)


def is_int8_wanted(backbone_name: str, asked: bool | None) -> bool:
    """Tell whether versions of a backbone are to have a graph in int8: as `asked`, or by default where it is None.

    The default is to have it where ranges are on record: there it was judged by photos, with weights that were trained.
    """
    return asked if asked is not None else backbone_name in json.loads(RECORD.read_text(encoding="utf-8"))


def weights_digest(backbone: Backbone) -> str:
    """Return a hash of the weights, by which what is on record of them is known."""
    digest = hashlib.sha256()
    for weights in backbone.network.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()[:16]


def _values(backbone: Backbone, record: Int8Record) -> dict[str, Any]:
    """Return what is written down of ranges."""
    layers = record.ranges.layers
    values = {
        "weights": weights_digest(backbone),
        "photos": record.photos,
        "layers": [[_rounded(layer.read), _rounded(layer.written), _rounded(layer.correction)] for layer in layers],
        "gain": _rounded(layers[-1].gain),
    }
    channels = {"parts": record.ranges.parts, "sums": record.ranges.sums}
    return values | {name: [_ends(one) for one in ranges] for name, ranges in channels.items() if ranges}


def _ends(ranges: ChannelRanges) -> list[Any]:
    return [_rounded(ranges.least), _rounded(ranges.most)]


def _rounded(values: Any) -> Any:
    return np.asarray(values, np.float64).round(3).tolist()


def main() -> None:
    """Measure a backbone's ranges and write them into the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--backbone", default="efficientnet_lite2")
    parser.add_argument("--size", type=int)
    options = parser.parse_args()
    backbone = load_backbone(options.backbone, size=options.size)
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    measured = measured_record(backbone, photos_below(options.photos), options.source)
    if measured is None:
        raise SystemExit(f"None of the photos in {options.photos} can be read.")
    record.setdefault(backbone.name, {})[str(backbone.geometry.size)] = _values(backbone, measured)
    RECORD.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
