"""Extraction on Ray: the same features as in one process, from a copy of the network on each core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import tensorflow as tf

from model_serving.backbones import Backbone
from model_serving.data.batches import decode
from model_serving.distributed.cluster import cluster, map_photos, split_readable
from model_serving.training.features import Pooled, pool

if TYPE_CHECKING:
    import ray


def pool_on_ray(backbone: Backbone, paths: Sequence[Path], workers: int | None = None) -> Iterator[list[Pooled]]:
    """Yield what `training.features.pool_here` yields, as the workers finish it.

    They get the network from this process; the photos they read themselves, under the same paths on every node. Raises
    `DistributedError`.
    """
    path_of = {str(path.absolute()): path for path in paths}
    readable, reasons = split_readable([Path(name) for name in path_of])
    yield [(path_of[str(path)], OSError(reason)) for path, reason in reasons.items()]
    if not readable:
        return
    with cluster(workers) as count:
        import ray

        network = ray.put(replace(backbone, imagenet=None))
        # Block by block, so that what is done is kept at once.
        blocks = map_photos(readable, _Extractor, (network,), count).iter_batches(
            batch_size=None, batch_format="pyarrow"
        )
        for block in blocks:
            assert isinstance(block, pa.Table)
            yield [
                (path_of[path], np.frombuffer(value, np.float32) if value else ValueError(error))
                for path, value, error in zip(*(column.to_pylist() for column in block.columns), strict=True)
            ]


class _Extractor:
    """A network in a process of its own, on one core."""

    def __init__(self, network: ray.ObjectRef[Backbone]) -> None:
        import ray

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self._backbone = ray.get(network)  # only now, as it starts TensorFlow

    def __call__(self, batch: dict[str, np.ndarray]) -> pa.Table:
        geometry = self._backbone.geometry
        photos = [
            (Path(path), decode(photo, geometry)) for path, photo in zip(batch["path"], batch["bytes"], strict=True)
        ]
        rows = [
            {"path": str(path), "value": result.tobytes(), "error": None}
            if isinstance(result, np.ndarray)
            else {"path": str(path), "value": None, "error": str(result)}
            for path, result in pool(self._backbone, photos)
        ]
        schema = [("path", pa.string()), ("value", pa.binary()), ("error", pa.string())]
        return pa.Table.from_pylist(rows, pa.schema(schema))
