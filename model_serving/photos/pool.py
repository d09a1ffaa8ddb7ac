"""Decoding in worker processes with limits, so that no photo costs more than they allow or harms another.

Headers cannot tell what every file costs to decode: one of 1 kB may take minutes, or gigabytes. A worker that has used
up its limits ends, its photo is refused, and the next photo gets a new worker.

Photos begin in one of `quick_places`. One that takes longer than `QUICK_SECONDS` moves to one of `slow_places` as soon
as one is free, with a lower priority, and leaves its place to others: as many costly photos as there are slow places
keep nobody waiting.
"""

from __future__ import annotations

import atexit
import functools
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from model_serving.photos import MAX_PIXELS, Geometry, errors
from model_serving.photos.finish import Unfinished
from model_serving.photos.worker import receive, send

# The largest photos that are read need less. Beyond it the system refuses memory to the decoder.
MAX_MEMORY_BYTES = 1_200_000_000
# The largest photos that are read need less of one core. The system ends the process that has used it up.
MAX_CPU_SECONDS = 4.0
# Ordinary photos take a tenth of it, and most large ones of phones no longer.
QUICK_SECONDS = 0.5
# For a photo that a busy machine leaves too little time to use up its CPU time.
MAX_SECONDS = 60.0
# A third of the time of an ordinary process that wants the same core; it is an honest photo more often than not.
SLOW_NICENESS = 5
# Room in a socket for the pixels of most models, so that a worker need not wait to be read from.
SOCKET_BYTES = 1 << 18

_CLOSED = "the pool is closed"
_PROGRAM = "model_serving.photos.worker"
# The folder of the package, from where a worker finds it however it is installed.
_ROOT = Path(__file__).parents[2]
# The blocks of one photo come from memory that is free already, rather than be mapped in, page by page, for each.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(16 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}


@dataclass(frozen=True)
class DecodedPhoto:
    """Pixels of a photo in RGB, row by row. `size` is their width and height, `photo_size` the upright photo's.

    `whole` is all of the photo, where that was asked for beside a part: `DecoderPool.finish` makes its image.
    """

    size: tuple[int, int]
    photo_size: tuple[int, int]
    pixels: bytes
    cpu_seconds: float
    whole: Unfinished | None = None

    def image(self) -> Image.Image:
        """Return the pixels as an image."""
        return Image.frombytes("RGB", self.size, self.pixels)


class DecoderPool:
    """Workers that decode photos for the threads of a process.

    They start when they are needed, or those of the quick places with `start`.
    """

    def __init__(
        self,
        quick_places: int = os.cpu_count() or 1,
        memory_bytes: int = MAX_MEMORY_BYTES,
        cpu_seconds: float = MAX_CPU_SECONDS,
    ) -> None:
        self.quick_places = self.slow_places = quick_places
        self._limits = (str(memory_bytes), str(cpu_seconds))
        self._quick = self._slow = 0  # places taken
        self._closed = False
        self._changed = threading.Condition()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()

    @property
    def places(self) -> int:
        """Photos in work at once; a thread for each keeps all places busy."""
        return self.quick_places + self.slow_places

    def start(self) -> None:
        """Start the workers that the first photos need."""
        with self._changed:
            self._refill()

    def read_pixels(
        self, photo: bytes, geometry: Geometry, max_pixels: int = MAX_PIXELS, *, whole_side: int | None = None
    ) -> DecodedPhoto:
        """Return what `photos.read_pixels` does, or raise its errors or `TooCostlyPhotoError`.

        With `whole_side` the whole photo comes beside it, of one decode: as fine as the model's pixels need it, with no
        more pixels than a square of that side, and unfinished.
        """
        request = {"size": geometry.size, "crop": geometry.crop, "whole_side": whole_side, "max_pixels": max_pixels}
        return self._read(request, photo)

    def read_shrunk(self, photo: bytes, long_side: int, max_pixels: int = MAX_PIXELS) -> DecodedPhoto:
        """Return what `photos.read_shrunk` does, or raise its errors or `TooCostlyPhotoError`."""
        return self._read({"long_side": long_side, "max_pixels": max_pixels}, photo)

    def finish(self, whole: Unfinished) -> Image.Image:
        """Return the image of a whole photo, or raise `TooCostlyPhotoError` or `DamagedPhotoError`."""
        return self._read({"finish": whole.header()}, whole.pixels).image()

    def close(self) -> None:
        """End all workers; photos in work, or waiting, are given up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for worker in self._busy:
                worker.kill()
            for worker in self._idle:
                worker.end()

    def _read(self, request: dict[str, Any], photo: bytes) -> DecodedPhoto:
        worker = self._enter()
        slow = answered = False
        try:
            worker.send(request, photo)
            end = time.monotonic() + MAX_SECONDS
            while not worker.has_answered(QUICK_SECONDS):
                if time.monotonic() > end:
                    worker.kill()
                elif not slow and self._move_to_slow_place():
                    slow = True
                    worker.lower_priority()
            answer, pixels = worker.receive()
            answered = True
        except (EOFError, OSError) as error:
            raise (RuntimeError(_CLOSED) if self._closed else worker.death()) from error
        finally:
            self._leave(worker, slow, answered)
        if "error" in answer:
            raise errors.named(answer["error"], answer["message"])
        size, whole = tuple(answer["size"]), None
        if answer["whole"]:
            part = 3 * math.prod(size)
            whole = Unfinished.from_message(answer["whole"], pixels[part:])
            pixels = pixels[:part]
        return DecodedPhoto(size, tuple(answer["photo_size"]), pixels, answer["cpu_seconds"], whole)

    def _enter(self) -> _Worker:
        """Wait for a quick place, and return a worker for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._quick < self.quick_places)
            if self._closed:
                raise RuntimeError(_CLOSED)
            idle = self._idle.pop() if self._idle else None
            worker = idle if idle and idle.is_alive() else _Worker(self._limits)
            self._quick += 1
            self._busy.add(worker)
            return worker

    def _move_to_slow_place(self) -> bool:
        """Give up a quick place for a slow one, if one is free."""
        with self._changed:
            if self._slow == self.slow_places:
                return False
            self._slow += 1
            self._quick -= 1
            self._changed.notify()
            self._refill()
            return True

    def _leave(self, worker: _Worker, slow: bool, answered: bool) -> None:
        """Give up the place; a worker of low priority, or one that has died, is replaced."""
        lost = slow or not answered
        if lost:
            worker.end()
        with self._changed:
            self._busy.remove(worker)
            if slow:
                self._slow -= 1
            else:
                self._quick -= 1
                self._changed.notify()
            if self._closed:
                worker.end()
            elif not lost:
                self._idle.append(worker)
            if not self._closed:
                self._refill()

    def _refill(self) -> None:
        while self._quick + len(self._idle) < self.quick_places:
            self._idle.append(_Worker(self._limits))


@functools.cache
def shared_pool() -> DecoderPool:
    """Return the pool of this process, started by the first call, which no two threads may make at once."""
    pool = DecoderPool()
    pool.start()
    atexit.register(pool.close)
    return pool


class _Worker:
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
