"""The time that a model takes for a request, without what the server adds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from local_server.inference.servable import Servable
from local_server.inference.tensors import Array
from local_server.monitoring.instruments import record_run


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
