"""Photos that their senders gave for training, in class folders that `dog-breed train --also` reads.

The one place where the gateway writes. A photo and its breed are all that is kept: what the model had answered can be
asked of any version again. To remove a person's photo, delete the file named after the id that the person was told.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
import uuid
from pathlib import Path

from detector_api import errors
from detector_api.prediction.decoding import gateway_errors
from model_serving.photos.pool import DecoderPool

# The largest input of common backbones is 600 pixels: at this size a photo can still be cropped for training.
LONG_SIDE = 1024
JPEG_QUALITY = 95


class FeedbackStore:
    """A folder of photos given for training; `max_bytes` bounds the sum of its files.

    Gateways may share a folder: each file appears in one step. Those of one moment may then exceed the bound together.
    """

    def __init__(self, folder: Path, max_bytes: int, max_pixels: int, pool: DecoderPool) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._pool = pool
        self._lock = threading.Lock()
        self._sizes = _Sizes(folder)

    def keep(self, photo: bytes, breed: str) -> str:
        """Keep an encoded photo under its breed, or move it there if it is kept already; return its id.

        The id is the SHA-256 of the photo as it was sent. Kept are its pixels alone: upright, in sRGB, no side above
        `LONG_SIDE`, without name, place or time. Raises the `RequestError` of a photo that cannot be read, or a
        `FeedbackError`. Takes as long as decoding: call it in a thread.
        """
        identity = hashlib.sha256(photo).hexdigest()
        with gateway_errors():
            image = self._pool.read_shrunk(photo, LONG_SIDE, self._max_pixels).image()
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=JPEG_QUALITY)
        try:
            with self._lock:
                self._place(jpeg.getbuffer(), self._class_folder(breed) / f"{identity}.jpg")
        except OSError as error:
            # Its words without the path.
            reason = os.strerror(error.errno or errno.EIO)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise errors.FeedbackFullError(reason) from error
            raise errors.FeedbackUnavailableError(reason) from error
        return identity

    def _class_folder(self, breed: str) -> Path:
        # Breeds come from the served model, which is no reason to let one of them lead elsewhere.
        if breed[:1] in ("", ".") or Path(breed).name != breed:
            raise errors.ModelAnswerError("the name of a breed is no name for a folder")
        return self._folder / breed

    def _place(self, jpeg: memoryview, file: Path) -> None:
        """Make the file appear in one step, under one breed only."""
        file.parent.mkdir(exist_ok=True)
        for kept in self._folder.glob(f"*/{file.name}"):
            kept.replace(file)
        if file.exists():
            return
        if self._sizes.total() + len(jpeg) > self._max_bytes:
            raise errors.FeedbackFullError(f"the folder's {self._max_bytes} bytes are used up")
        partial = file.with_name(f".{uuid.uuid4().hex}")
        try:
            with partial.open("xb") as stream:
                stream.write(jpeg)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(file)
            self._sizes.add(file.parent, len(jpeg))
        finally:
            partial.unlink(missing_ok=True)


class _Sizes:
    """Bytes of the photos of each breed, measured anew where a folder has changed.

    People delete photos, and other gateways add some; else a photo costs a look at each breed, however many are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # When each folder changed last, and its bytes.
        self._known: dict[Path, tuple[int, int]] = {}

    def total(self) -> int:
        """Return the bytes of all photos."""
        known, self._known = self._known, {}
        for folder in self._folder.iterdir():
            if folder.is_dir():
                changed = folder.stat().st_mtime_ns
                then, size = known.get(folder, (0, 0))
                self._known[folder] = (changed, size if then == changed else _measure(folder))
        return sum(size for _, size in self._known.values())

    def add(self, folder: Path, size: int) -> None:
        """Count a photo that was just put into a folder."""
        _, before = self._known.get(folder, (0, 0))
        self._known[folder] = (folder.stat().st_mtime_ns, before + size)


def _measure(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat().st_size for entry in entries)
