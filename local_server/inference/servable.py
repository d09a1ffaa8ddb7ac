"""What a loaded version must be able to do, however it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from tensorflow.core.protobuf import meta_graph_pb2

from local_server.inference.tensors import Array


class Servable(Protocol):
    """A version in memory. `run` may be called from many threads at once; `close` only when none is inside."""

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
        """Free what the version holds."""
        ...
