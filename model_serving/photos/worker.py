"""Worker process of a `DecoderPool`: it decodes one photo after another, within limits of memory and CPU time.

    python -m model_serving.photos.worker FILE_DESCRIPTOR MEMORY_BYTES CPU_SECONDS

The descriptor is a stream socket to the pool; the CPU time is that of one photo. A message, of either side, is a header
in JSON and a payload of bytes. The worker ends when the pool's end of the socket is closed, in the middle of a photo
too.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from model_serving import photos
from model_serving.photos.errors import TooCostlyPhotoError
from model_serving.photos.finish import Unfinished
from model_serving.photos.pixels import Decoded, crop_to_input, shrink

_LENGTHS = struct.Struct("!II")


def send(peer: socket.socket, header: dict[str, Any], payload: bytes = b"") -> None:
    """Send a message."""
    head = json.dumps(header).encode()
    peer.sendall(_LENGTHS.pack(len(head), len(payload)) + head)
    if payload:
        peer.sendall(payload)


def receive(peer: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Receive a message; raises `EOFError` when the other side has closed its end."""
    head, payload = _LENGTHS.unpack(_receive_exactly(peer, _LENGTHS.size))
    return json.loads(_receive_exactly(peer, head)), _receive_exactly(peer, payload)


def _receive_exactly(peer: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = peer.recv(size, socket.MSG_WAITALL)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def main() -> None:
    """Serve the pool until it closes its end."""
    descriptor, memory_bytes, cpu_seconds = sys.argv[1:]
    pool = socket.socket(fileno=int(descriptor))
    fcntl.fcntl(pool, fcntl.F_SETOWN, os.getpid())
    _prepare(int(memory_bytes))
    with suppress(EOFError, ConnectionError):
        while True:
            header, photo = receive(pool)
            _set_end_with_peer(pool, True)
            # Nothing handles its signal, which ends the process.
            signal.setitimer(signal.ITIMER_PROF, float(cpu_seconds))
            header, pixels = answer(header, photo)
            signal.setitimer(signal.ITIMER_PROF, 0)
            _set_end_with_peer(pool, False)
            send(pool, header, pixels)


def answer(request: dict[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and payload that answer a request: pixels, or the name and words of a `PhotoError`.

    A request brings a photo to decode, or a whole one to finish. The pixels of the whole, where it is asked for beside
    a part, come last.
    """
    start = time.thread_time()  # while a timer of the process runs, its own clock moves in steps of 4 ms

    def to_pixels(image: Image.Image) -> Decoded:
        if "long_side" in request:
            return shrink(image, request["long_side"])
        return crop_to_input(image, photos.Geometry(request["size"], request["crop"]), request["whole_side"])

    try:
        if "finish" in request:
            image = Unfinished.from_message(request["finish"], payload).image()
            decoded = Decoded(image, image.size)
        else:
            decoded = photos.decode(payload, request["max_pixels"], to_pixels)
    except photos.PhotoError as error:
        if _is_out_of_memory(error):
            error = TooCostlyPhotoError()
        return {"error": type(error).__name__, "message": str(error)}, b""
    whole = decoded.whole
    header = {"size": decoded.image.size, "photo_size": decoded.photo_size, "whole": whole and whole.header()}
    pixels = decoded.image.tobytes() + (whole.pixels if whole else b"")
    return {**header, "cpu_seconds": time.thread_time() - start}, pixels


def _is_out_of_memory(error: photos.PhotoError) -> bool:
    # Decoders word it in their own ways: "Out of memory", "Memory allocation error".
    cause = error.__cause__
    return isinstance(cause, MemoryError) or "memory" in str(cause).lower()


def _prepare(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # where memory runs short all the same, this process is the one to end
        Path("/proc/self/oom_score_adj").write_text("1000")
    Image.preinit()
    # Decoders write to it what helps nobody: the photo is either read or refused.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _set_end_with_peer(peer: socket.socket, enabled: bool) -> None:
    """Have the system end this process as soon as the other side closes its end of the socket, or no longer.

    The signal of asynchronous I/O, which nothing handles, does that.
    """
    flags = fcntl.fcntl(peer, fcntl.F_GETFL)
    fcntl.fcntl(peer, fcntl.F_SETFL, flags | os.O_ASYNC if enabled else flags & ~os.O_ASYNC)


if __name__ == "__main__":
    main()
