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
import threading
import time
from dataclasses import dataclass
from typing import Any

from PIL import Image

from model_serving.photos import MAX_PIXELS, Geometry, errors
from model_serving.photos.finish import Unfinished
from model_serving.photos.worker_process import MAX_SECONDS, WorkerProcess

# The largest photos that are read need less. Beyond it the system refuses memory to the decoder.
MAX_MEMORY_BYTES = 1_200_000_000
# The largest photos that are read need less of one core. The system ends the process that has used it up.
MAX_CPU_SECONDS = 4.0
# Ordinary photos take a tenth of it, and most large ones of phones no longer.
QUICK_SECONDS = 0.5

_CLOSED = "the pool is closed"


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
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()

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

    def _enter(self) -> WorkerProcess:
        """Wait for a quick place, and return a worker for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._quick < self.quick_places)
            if self._closed:
                raise RuntimeError(_CLOSED)
            idle = self._idle.pop() if self._idle else None
            worker = idle if idle and idle.is_alive() else WorkerProcess(self._limits)
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

    def _leave(self, worker: WorkerProcess, slow: bool, answered: bool) -> None:
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
            self._idle.append(WorkerProcess(self._limits))


@functools.cache
def shared_pool() -> DecoderPool:
    """Return the pool of this process, started by the first call, which no two threads may make at once."""
    pool = DecoderPool()
    pool.start()
    atexit.register(pool.close)
    return pool
