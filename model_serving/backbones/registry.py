"""The registry of backbones: a row a name, with the input it takes and the family that loads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from model_serving.backbones import applications, efficientnet_lite
from model_serving.backbones.backbone import Backbone
from model_serving.errors import UnknownBackboneError
from model_serving.photos import Geometry


@dataclass(frozen=True)
class RegisteredBackbone:
    """A backbone of the registry; `load` takes name, geometry and weights: a file, `RANDOM`, or None for its own."""

    geometry: Geometry
    load: Callable[[str, Geometry, str | None], Backbone]


BACKBONES: Mapping[str, RegisteredBackbone] = MappingProxyType(
    {
        "densenet201": RegisteredBackbone(Geometry(size=224, crop=1.0), applications.load_densenet201),
        "efficientnet_lite2": RegisteredBackbone(Geometry(size=260, crop=1.0), efficientnet_lite.load_lite2),
    }
)


def load_backbone(name: str, weights: str | None = None) -> Backbone:
    """Return the backbone called `name` with its ImageNet weights, or those of the file `weights`, or `RANDOM` ones.

    Raises `UnknownBackboneError`, or `WeightsUnavailableError` if the weights cannot be had.
    """
    if name not in BACKBONES:
        raise UnknownBackboneError(f"There is no backbone {name!r}; there are {', '.join(BACKBONES)}.")
    registered = BACKBONES[name]
    return registered.load(name, registered.geometry, weights)
