"""Choice of a version's graph: the preferred one is served only if it is there and has been seen to run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from local_server.errors import StatusError
from local_server.inference.saved_model import SavedModelServable, SessionSettings, has_meta_graph

_log = logging.getLogger(__name__)


def load_preferred(
    path: Path, settings: SessionSettings, run: Callable[[SavedModelServable], bool]
) -> SavedModelServable | None:
    """Return the version in the folder `path` by the MetaGraph of `settings.tags`; None if it has none or cannot run.

    TensorFlow finds out at a run, and not at the load, that it lacks a kernel. `run` runs what it can and returns
    whether that was anything.
    """
    if not has_meta_graph(path, settings.tags):
        return None
    servable = SavedModelServable.load(path, settings)
    try:
        if run(servable):
            return servable
        reason = "it has no request to try it with"
    except (StatusError, tf.errors.OpError) as error:
        reason = f"it does not run here: {error}"
    servable.close()
    _log.warning("The graph tagged %s of %s is not used, since %s", ",".join(settings.tags), path, reason)
    return None
