"""A loaded SavedModel: a TensorFlow session over its MetaGraph, as in TensorFlow Serving."""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.saved_model.loader_impl import SavedModelLoader, parse_saved_model

from local_server.errors import InvalidArgumentError, NotFoundError
from local_server.inference.batching import Batcher
from local_server.inference.tensors import Array, dtype_of, type_name
from local_server.system import release_freed_memory

# The session keeps a pruned, optimised graph for each set of fetches it meets, and clients choose the sets. Past this
# many, all outputs of the signature are fetched and the unwanted ones dropped.
MAX_FETCH_SETS = 32


@dataclass(frozen=True)
class SessionSettings:
    """Load settings: the tags that choose the MetaGraph, and the session's threads and memory."""

    tags: tuple[str, ...] = ("serve",)
    config: config_pb2.ConfigProto = field(default_factory=config_pb2.ConfigProto)


class SavedModelServable:
    """A version in memory. `run` may be called from many threads at once; `close` only when none is inside.

    Once it is given a `batcher`, requests that come at the same time run together.
    """

    checks_method_names = False
    batcher: Batcher | None = None

    def __init__(self, session: tf.compat.v1.Session, signatures: Mapping[str, meta_graph_pb2.SignatureDef]) -> None:
        self.signatures = signatures
        self._session = session
        self._tensors: dict[str, tf.Tensor] = {}
        self._fetch_sets: set[frozenset[str]] = set()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path, settings: SessionSettings) -> SavedModelServable:
        """Load the SavedModel in the folder `path`: its graph, its variables, and what its initialisers set up.

        Raises NotFoundError if there is none, or whatever TensorFlow raises for one that cannot be loaded.
        """
        if not any((path / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt")):
            raise NotFoundError(f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}")
        session = tf.compat.v1.Session(graph=tf.Graph(), config=settings.config)
        try:
            meta_graph = SavedModelLoader(str(path)).load(session, list(settings.tags))
        except BaseException:
            session.close()
            raise
        # Copies, because a reference to one signature would keep the whole proto, with a frozen model's weights in it.
        signatures = {name: _copy(signature) for name, signature in meta_graph.signature_def.items()}
        return cls(session, signatures)

    def run(
        self, feeds: Mapping[str, Array], fetches: Mapping[str, str], wanted: Sequence[str], timeout_ms: int | None
    ) -> dict[str, Array]:
        """Return the outputs `wanted`, by alias.

        Args:
            feeds: Arrays by the name of the tensor they replace.
            fetches: All outputs of the signature: names of tensors by alias.
            wanted: The aliases of those to return.
            timeout_ms: After how many milliseconds TensorFlow gives up with DEADLINE_EXCEEDED; None is never.
        """
        aliases = sorted(self._admit(fetches, wanted))
        names = tuple(fetches[alias] for alias in aliases)
        self._check_dtypes(feeds)
        if self.batcher:
            values = self.batcher.run(feeds, names, timeout_ms, functools.partial(self._run, names))
        else:
            values = self._run(names, feeds, timeout_ms)
        return {alias: value for alias, value in zip(aliases, values, strict=True) if alias in wanted}

    def close(self) -> None:
        """Free the graph and its variables."""
        self._session.close()
        del self._session, self._tensors
        gc.collect()  # a graph is full of cycles, and large
        release_freed_memory()

    def _run(self, fetches: Sequence[str], feeds: Mapping[str, Array], timeout_ms: int | None) -> list[Array]:
        fed = {self._tensor(name)._as_tf_output(): array for name, array in feeds.items()}
        fetched = [self._tensor(name)._as_tf_output() for name in fetches]
        # The wrapper below Session.run: that would refuse feeds that do not fit a placeholder's static shape, which
        # TensorFlow Serving lets through, and spend more time in Python. Callables take no timeout per call.
        # The interpreter lock is released while it runs.
        options = config_pb2.RunOptions(timeout_in_ms=timeout_ms or 0)
        buffer = pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
        try:
            values = pywrap_tf_session.TF_SessionRun_wrapper(self._session._session, buffer, fed, fetched, [], None)
        except UnicodeDecodeError as error:  # TensorFlow's message quotes an input that is no text; its code is lost
            raise InvalidArgumentError(error.object.decode("utf-8", "surrogateescape")) from None
        finally:
            pywrap_tf_session.TF_DeleteBuffer(buffer)
        return [_as_array(value) for value in values]

    def _admit(self, fetches: Mapping[str, str], wanted: Sequence[str]) -> Sequence[str]:
        chosen = frozenset(fetches[alias] for alias in wanted)
        with self._lock:
            if chosen not in self._fetch_sets and len(self._fetch_sets) >= MAX_FETCH_SETS:
                return list(fetches)
            self._fetch_sets.add(chosen)
        return wanted

    def _tensor(self, name: str) -> Any:
        if name not in self._tensors:
            try:
                self._tensors[name] = self._session.graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
            except (KeyError, ValueError) as error:
                raise InvalidArgumentError(f"Tensor {name} is not in the graph") from error
        return self._tensors[name]

    def _check_dtypes(self, feeds: Mapping[str, Array]) -> None:
        """Raise the session's own error for a wrong dtype, before the input is merged with those of others."""
        for index, (name, array) in enumerate(feeds.items()):
            actual, expected = dtype_of(array), self._tensor(name).dtype.base_dtype
            if actual != expected:
                raise InvalidArgumentError(
                    f"Expects arg[{index}] to be {type_name(expected)} but {type_name(actual)} is provided"
                )


def has_meta_graph(path: Path, tags: Sequence[str]) -> bool:
    """Tell whether the SavedModel in the folder `path` has a MetaGraph with just these tags."""
    found = (set(meta_graph.meta_info_def.tags) for meta_graph in parse_saved_model(str(path)).meta_graphs)
    return any(tagged == set(tags) for tagged in found)


def _copy(signature: meta_graph_pb2.SignatureDef) -> meta_graph_pb2.SignatureDef:
    copy = meta_graph_pb2.SignatureDef()
    copy.CopyFrom(signature)
    return copy


def _as_array(value: Any) -> Array:
    # A scalar string comes as bytes, and numpy would cut its trailing zeros.
    return np.array(value, np.object_) if isinstance(value, bytes) else np.asarray(value)
