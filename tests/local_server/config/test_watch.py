"""The file of models is looked at until the watch is told to stop."""

from __future__ import annotations

import threading

from local_server.config.watch import ModelConfigWatch


def test_stop_ends_the_thread(tmp_path):
    """Once stopped, the watch does nothing more."""
    for _ in range(20):
        before = set(threading.enumerate())
        watch = ModelConfigWatch(str(tmp_path / "models.txt"), 60, lambda configs: None)
        watch.start()
        (thread,) = set(threading.enumerate()) - before
        watch.stop()
        assert not thread.is_alive()
