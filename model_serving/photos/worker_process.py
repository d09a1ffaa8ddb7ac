"""Worker process as a pool has it: started with limits, sent photos, asked for its answers, ended."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from model_serving.photos import errors
from model_serving.photos.worker import receive, send

# For a photo that a busy machine leaves too little time to use up its CPU time.
MAX_SECONDS = 60.0
# A third of the time of an ordinary process that wants the same core; it is an honest photo more often than not.
SLOW_NICENESS = 5
# Room in a socket for the pixels of most models, so that a worker need not wait to be read from.
SOCKET_BYTES = 1 << 18

_PROGRAM = "model_serving.photos.worker"
# The folder of the package, from where a worker finds it however it is installed.
_ROOT = Path(__file__).parents[2]
# The blocks of one photo come from memory that is free already, rather than be mapped in, page by page, for each.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(16 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}


class WorkerProcess:
    """A worker process, and the pool's end of the socket to it."""

    def __init__(self, limits: tuple[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        self._socket.settimeout(MAX_SECONDS)
        self._answers = select.poll()
        self._answers.register(self._socket, select.POLLIN)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _PROGRAM, str(theirs.fileno()), *limits],
                cwd=_ROOT,
                env=os.environ | _ALLOCATOR,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the pool's process, which still has photos to answer
            )

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.poll() is None

    def send(self, request: dict[str, Any], photo: bytes) -> None:
        """Send a photo to be decoded."""
        send(self._socket, request, photo)

    def has_answered(self, seconds: float) -> bool:
        """Wait so long for the answer, or the end of the process."""
        return bool(self._answers.poll(1000 * seconds))

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """Return the answer."""
        return receive(self._socket)

    def lower_priority(self) -> None:
        """Leave the processor to others for good: only a privileged process could raise the priority again."""
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, self._process.pid, SLOW_NICENESS)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def end(self) -> None:
        """End the process and wait for that."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def death(self) -> Exception:
        """Return the error of the photo that the process died of."""
        self._socket.shutdown(socket.SHUT_RDWR)  # ends one that is only out of step
        status = self._process.wait()
        if status in (-signal.SIGPROF, -signal.SIGKILL):  # its CPU time is used up; or time, or the machine's memory
            return errors.TooCostlyPhotoError()
        if status < 0:  # a decoder crashed
            return errors.DamagedPhotoError()
        return RuntimeError(f"a worker process ended with status {status}")
