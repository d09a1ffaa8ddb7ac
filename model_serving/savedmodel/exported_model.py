"""An exported version, open in this process: the graph that is served, not the network it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from tensorflow.core.protobuf import config_pb2

from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from local_server.lifecycle.preferred import load_preferred
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.signatures import DESCRIBE, PIXELS
from model_serving.savedmodel.tags import preferred_tags


class ExportedModel:
    """A version and its card, to be asked with pixels; close it, or use it as a context manager.

    Its graph in int8 answers if it has one that runs here, unless `tags.SETTING` or the `tags` given say otherwise.

    `number` is the version's number. Calls may run at once; TensorFlow spreads each over `threads` cores, 0 for all.
    """

    def __init__(self, version: Path, threads: int = 0, tags: tuple[str, ...] | None = None) -> None:
        self.number = int(version.name)
        config = config_pb2.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
        settings = SessionSettings(tags or preferred_tags(), config)
        self._servable = load_preferred(version, settings, _runs) or SavedModelServable.load(
            version, SessionSettings(config=config)
        )
        self.card = ModelCard.from_json(predict(self._servable, DESCRIBE, {})["model_card"][0])

    def ask(self, pixels: np.ndarray, signature: str = PIXELS, outputs: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """Return the outputs of a signature for pixels uint8 [N, size, size, 3], by alias; those named, or all."""
        return predict(self._servable, signature, {"pixels": pixels}, outputs)

    def tensors(self, pixels: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Return tensors of the graph that no signature gives, by their names, for pixels uint8 [N, size, size, 3]."""
        fetches = {name: f"{name}:0" for name in names}
        values = self._servable.run({"pixels:0": pixels}, fetches, names, None)
        return {name: values[name] for name in names}

    def close(self) -> None:
        """Free the graph and its weights."""
        self._servable.close()

    def __enter__(self) -> ExportedModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _runs(servable: SavedModelServable) -> bool:
    """Answer a blank photo, for which the graph must have all its kernels."""
    card = ModelCard.from_json(predict(servable, DESCRIBE, {})["model_card"][0])
    return bool(predict(servable, PIXELS, {"pixels": np.zeros((1, card.input_size, card.input_size, 3), np.uint8)}))
