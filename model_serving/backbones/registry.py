"""The registry of backbones: a row a name, with the input it takes and the family that loads it.

Networks gain at a larger input than they were trained at (Touvron et al. 2019):
`python -m benchmarks.sizes` measures by how much.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from model_serving.backbones import applications, efficientnet_lite
from model_serving.backbones.backbone import Backbone
from model_serving.errors import UnknownBackboneError
from model_serving.photos import Geometry


@dataclass(frozen=True)
class RegisteredBackbone:
    """A backbone of the registry; `load` takes name, geometry and weights: a file, `RANDOM`, or None for its own.

    `geometry` is the input it answers best at. `trained_size` is the side in pixels that its weights were trained at:
    photos that are smaller gain nothing by a larger input.
    """

    geometry: Geometry
    trained_size: int
    load: Callable[[str, Geometry, str | None], Backbone]


BACKBONES: Mapping[str, RegisteredBackbone] = MappingProxyType(
    {
        "densenet201": RegisteredBackbone(Geometry(size=224, crop=1.0), 224, applications.load_densenet201),
        "efficientnet_lite2": RegisteredBackbone(Geometry(size=340, crop=1.0), 260, efficientnet_lite.load_lite2),
    }
)


def load_backbone(name: str, weights: str | None = None, size: int | None = None) -> Backbone:
    """Return the backbone called `name` with its ImageNet weights, or those of the file `weights`, or `RANDOM` ones.

    `size` is the input's side in pixels; by default it is the one of the registry.
    Raises `UnknownBackboneError`, or `WeightsUnavailableError` if the weights cannot be had.
    """
    registered = registered_backbone(name)
    geometry = replace(registered.geometry, size=size) if size else registered.geometry
    return registered.load(name, geometry, weights)


def registered_backbone(name: str) -> RegisteredBackbone:
    """Return the row of the registry; raises `UnknownBackboneError`."""
    if name not in BACKBONES:
        raise UnknownBackboneError(f"There is no backbone {name!r}; there are {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def nearest_size(on_record: Collection[str], size: int) -> str:
    """Return the key that is nearest to `size` of a record by input size; the record must have one."""
    return min(on_record, key=lambda one: abs(int(one) - size))
