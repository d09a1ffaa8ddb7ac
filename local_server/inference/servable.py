"""The interface of a loaded version, whatever runs it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from tensorflow.core.protobuf import meta_graph_pb2

from local_server.inference.tensors import Array
from local_server.monitoring.instruments import record_run


class Servable(Protocol):
    """A loaded version. `run` may be called from many threads at once; `close` only when none is inside."""

    signatures: Mapping[str, meta_graph_pb2.SignatureDef]
    checks_method_names: bool  # --enable_signature_method_name_check: a method refuses the signatures of others

    def run(
        self, feeds: Mapping[str, Array], fetches: Mapping[str, str], wanted: Sequence[str], timeout_ms: int | None
    ) -> dict[str, Array]:
        """Return the outputs `wanted`, by alias.

        Args:
            feeds: Arrays by the name of the tensor they replace.
            fetches: All outputs that could be wanted: names of tensors by alias.
            wanted: The aliases of those to return.
            timeout_ms: After how many milliseconds to give up with DEADLINE_EXCEEDED; None is never.
        """
        ...

    def close(self) -> None:
        """Free the version's memory."""
        ...


class TimedServable:
    """A servable whose runs are timed."""

    def __init__(self, servable: Servable) -> None:
        self._servable = servable
        self.signatures = servable.signatures
        self.checks_method_names = servable.checks_method_names
        self.close = servable.close

    def run(
        self, feeds: Mapping[str, Array], fetches: Mapping[str, str], wanted: Sequence[str], timeout_ms: int | None
    ) -> dict[str, Array]:
        """Run the servable; its time counts for the request that this thread is at, if it succeeds."""
        start = time.perf_counter()
        outputs = self._servable.run(feeds, fetches, wanted, timeout_ms)
        record_run(start)
        return outputs
