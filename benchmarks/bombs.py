"""Cost of the worst photos: memory and CPU time of a decoding process for the costliest file of each format.

    .venv/bin/python -m benchmarks.bombs [FILE…] [--seconds 10]

Each file is sent once to a gateway over `benchmarks.echo`; files given besides, such as liars about their size, too.
Then the two costliest are always in work while ordinary photos are sent, and the gateway is told to stop meanwhile.
Memory is resident memory at its peak, polled (Linux).
"""

from __future__ import annotations

import argparse
import io
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks.gateway import cores
from benchmarks.pictures import KINDS, draw
from benchmarks.processes import children, cpu_seconds, free_port, running, wait_for_http
from model_serving.photos.pool import MAX_MEMORY_BYTES

SIDE = 7_200  # nearly the most pixels that are read
LIMIT_SECONDS = 5.0
POLL_SECONDS = 0.01


def large(mode: str, kind: str, **options: object) -> bytes:
    """Return a photo of the most pixels, of noise that repeats."""
    noise = Image.effect_noise((600, 600), 60)
    image = Image.new(mode, (SIDE, SIDE))
    tile = Image.merge(mode, [noise] * len(image.getbands())) if len(image.getbands()) > 1 else noise.convert(mode)
    for left in range(0, SIDE, 600):
        for top in range(0, SIDE, 600):
            image.paste(tile, (left, top))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def run_lengths() -> bytes:
    """Return a BMP of as many single codes as are allowed."""
    codes = b"\x01\x00" * 2_400_000
    header = struct.pack("<IiiHHIIiiII", 40, 2_400_000, 1, 1, 8, 1, len(codes), 0, 0, 1, 0)
    return b"BM" + struct.pack("<IHHI", 58 + len(codes), 0, 0, 58) + header + bytes(4) + codes


def empty_frames() -> bytes:
    """Return a GIF of many large frames that show nothing."""
    file = io.BytesIO()
    Image.new("P", (SIDE, SIDE), 0).save(file, "GIF", transparency=0)
    gif = file.getvalue()
    frame = gif.index(b"!\xf9")
    return gif[:frame] + gif[frame:-1] * 100 + b";"


WORST: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: large("CMYK", "JPEG", progressive=True, quality=40),
    "PNG": lambda: large("RGBA", "PNG", compress_level=1),
    "WebP": lambda: large("RGBA", "WEBP", method=0, quality=30),
    "GIF": empty_frames,
    "BMP": run_lengths,
    "TIFF": lambda: large("RGBA", "TIFF", compression="tiff_lzw", strip_size=1 << 30),
    "AVIF": lambda: large("RGBA", "AVIF", speed=10, quality=30, subsampling="4:4:4"),
}


class Gateway:
    """A running gateway: photos are sent to it, and what its processes use is watched."""

    def __init__(self, port: int, pid: int) -> None:
        self._url, self._pid = f"http://127.0.0.1:{port}/api/v1/predict_breed", pid

    def send(self, photo: bytes) -> int:
        """Return the status of the answer; 0 if the connection broke."""
        body = (
            b'--b\r\nContent-Disposition: form-data; name="dog_image"; filename="p"\r\n\r\n' + photo + b"\r\n--b--\r\n"
        )
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self._url, body, headers), timeout=120) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def cost(self, photo: bytes) -> tuple[int, float, float]:
        """Return status, most bytes of a decoding process, and CPU seconds of the whole gateway for a photo."""
        most, done = 0.0, threading.Event()

        def watch() -> None:
            nonlocal most
            while not done.wait(POLL_SECONDS):
                most = max([most, *(_resident(child) for child in children(self._pid))])

        watcher = threading.Thread(target=watch)
        watcher.start()
        before = cpu_seconds(self._pid)
        status = self.send(photo)
        used = cpu_seconds(self._pid) - before
        done.set()
        watcher.join()
        return status, most, used


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):  # it has ended
        return 0.0


def main() -> None:
    """Print a line for each file, one for the photos beside them, and one for the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--seconds", type=float, default=10, help="of ordinary photos beside the worst (%(default)s)")
    options = parser.parse_args()
    port, serving_port = free_port(), free_port()
    settings = {"DETECTOR_PORT": str(port), "DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{serving_port}"}
    settings |= {"DETECTOR_DECODE_THREADS": str(len(set(cores()))), "DETECTOR_DEADLINE_SECONDS": "60"}
    settings |= {"DETECTOR_MAX_UPLOAD_BYTES": str(200 << 20)}
    echo = running([sys.executable, "-m", "benchmarks.echo", str(serving_port)])
    with echo, running([sys.executable, "-m", "detector_api"], settings) as process:
        wait_for_http(f"http://127.0.0.1:{port}/readyz")
        gateway = Gateway(port, process.pid)
        costs: list[tuple[float, bytes]] = []
        makers = WORST | {path.name: path.read_bytes for path in options.files}
        for name, make in makers.items():
            photo = make()
            status, memory, seconds = gateway.cost(photo)
            costs.append((seconds, photo))
            print(
                f"{name}: {len(photo) / 1e6:.3f} MB, {status}; {memory / MAX_MEMORY_BYTES:.2f} of the limit of memory, "
                f"{seconds / LIMIT_SECONDS:.2f} of {LIMIT_SECONDS:g} s of CPU time",
                flush=True,
            )
        costs.sort(key=lambda cost: cost[0], reverse=True)
        _beside(gateway, [photo for _, photo in costs[:2]], options.seconds, process)


def _beside(gateway: Gateway, worst: list[bytes], seconds: float, process: subprocess.Popen[bytes]) -> None:
    honest, stopped = draw(*next(iter(KINDS.values()))), threading.Event()
    attacks: Counter[int] = Counter()

    def attack(photo: bytes) -> None:
        while not stopped.is_set():
            attacks[gateway.send(photo)] += 1

    attackers = [threading.Thread(target=attack, args=(photo,)) for photo in worst]
    for attacker in attackers:
        attacker.start()
    answers, end = Counter[int](), time.monotonic() + seconds
    while time.monotonic() < end:
        answers[gateway.send(honest)] += 1
    print(f"beside the two costliest: ordinary photos {dict(answers)}, costly ones {dict(attacks)}")
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait()
    print(f"told to stop meanwhile: ended after {time.monotonic() - start:.2f} s")
    stopped.set()
    for attacker in attackers:
        attacker.join()


if __name__ == "__main__":
    main()
