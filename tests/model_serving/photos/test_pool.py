"""Photos decoded in worker processes: the same pixels, and none costs more than the limits or harms another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_serving import photos
from model_serving.photos import Geometry, errors
from model_serving.photos.finish import Finish, Unfinished
from model_serving.photos.pool import DecodedPhoto, DecoderPool
from model_serving.photos.worker_process import SLOW_NICENESS
from tests.photo_kinds import BAD, KINDS, encode, inflating, png

GEOMETRY = Geometry(size=224, crop=0.875)
REPOSITORY = Path(__file__).parents[3]
PHOTO = encode(Image.effect_noise((300, 200), 50).convert("RGB"), "JPEG")
# A PNG is decoded as a whole, so that this one takes some tenths of a second, and 50 MB.
COSTLY = encode(Image.new("RGB", (4000, 4000), "red"), "PNG", compress_level=1)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    """A pool with the limits of the product."""
    pool = DecoderPool(2)
    yield pool
    pool.close()


@pytest.fixture
def start_pool() -> Iterator[Callable[..., DecoderPool]]:
    """A starter of pools, which are closed in the end."""
    pools = []

    def start(*args: object, **limits: object) -> DecoderPool:
        pools.append(DecoderPool(*args, **limits))
        return pools[-1]

    yield start
    for pool in pools:
        pool.close()


def workers(parent: int | None = None) -> set[int]:
    """Return the worker processes of a process, by default this one."""
    tasks = Path(f"/proc/{parent or os.getpid()}/task").iterdir()
    children = [int(pid) for task in tasks for pid in read_if_alive(task / "children").split()]
    return {pid for pid in children if b"photos.worker" in read_if_alive(Path(f"/proc/{pid}/cmdline"))}


def read_if_alive(path: Path) -> bytes:
    """Return what a file under /proc says, nothing if its thread or process has ended since it was listed."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this has not come true in time"
        time.sleep(0.01)


def only_worker_but(others: set[int]) -> int:
    """Return the one worker that was started since; the system lists it a moment later."""
    wait_until(lambda: bool(workers() - others))
    (worker,) = workers() - others
    return worker


@pytest.mark.parametrize("kind", KINDS)
def test_read_pixels_of_any_kind_equals_reading_in_process(pool: DecoderPool, kind: str) -> None:
    """A worker gives pixel by pixel what this process would decode."""
    photo = KINDS[kind][0]()
    assert pool.read_pixels(photo, GEOMETRY).pixels == photos.read_pixels(photo, GEOMETRY).tobytes()


@pytest.mark.parametrize("kind", BAD)
def test_read_pixels_of_a_bad_photo_raises_the_error_of_reading_in_process(pool: DecoderPool, kind: str) -> None:
    """A worker refuses with the same error and the same words."""
    photo = BAD[kind][0]()
    with pytest.raises(errors.PhotoError) as here:
        photos.read_pixels(photo, GEOMETRY)
    with pytest.raises(errors.PhotoError) as there:
        pool.read_pixels(photo, GEOMETRY)
    assert (type(there.value), str(there.value)) == (type(here.value), str(here.value))


def test_read_shrunk_equals_reading_in_process(pool: DecoderPool) -> None:
    """The whole of a photo, shrunk, comes out of a worker as it would here."""
    shrunk = pool.read_shrunk(PHOTO, 100).image()
    assert (shrunk.size, shrunk.tobytes()) == ((100, 67), photos.read_shrunk(PHOTO, 100).tobytes())


def test_read_pixels_from_many_threads_never_mixes_photos(pool: DecoderPool) -> None:
    """Each of many threads gets the pixels of its own photo."""

    def read(grey: int) -> object:
        photo = encode(Image.new("RGB", (20, 20), (grey,) * 3), "PNG")
        return pool.read_pixels(photo, Geometry(1, 1.0)).image().getpixel((0, 0))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(256))) == [(grey,) * 3 for grey in range(256)]


def test_read_pixels_beyond_the_cpu_time_is_refused_and_the_next_is_read(
    start_pool: Callable[..., DecoderPool],
) -> None:
    """A decoder that takes too long is ended by the system, and its photo refused; the next has a new worker."""
    pool = start_pool(1, cpu_seconds=0.05)
    with pytest.raises(errors.TooCostlyPhotoError, match="send that"):
        pool.read_pixels(COSTLY, GEOMETRY)
    assert pool.read_pixels(PHOTO, GEOMETRY).size == (224, 224)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit a process's memory so")
def test_read_pixels_beyond_the_memory_is_refused_and_the_next_is_read(start_pool: Callable[..., DecoderPool]) -> None:
    """The system refuses memory to a decoder that asks for too much, and its photo is refused."""
    pool = start_pool(1, memory_bytes=40_000_000)
    with pytest.raises(errors.TooCostlyPhotoError):
        pool.read_pixels(COSTLY, GEOMETRY)
    assert pool.read_pixels(PHOTO, GEOMETRY).size == (224, 224)


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (signal.SIGSEGV, errors.DamagedPhotoError),
        (signal.SIGABRT, errors.DamagedPhotoError),
        (signal.SIGKILL, errors.TooCostlyPhotoError),  # as the system does when memory is short
    ],
)
def test_read_pixels_by_a_decoder_that_dies_is_refused(
    start_pool: Callable[..., DecoderPool], number: signal.Signals, error: type[Exception]
) -> None:
    """A crash costs its own photo alone, and is told as what it means."""
    others = workers()
    pool = start_pool(1)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(pool.read_pixels, COSTLY, GEOMETRY)
        worker = only_worker_but(others)
        os.kill(worker, number)
        with pytest.raises(error):
            reading.result()
    assert pool.read_pixels(PHOTO, GEOMETRY).size == (224, 224)


def test_read_pixels_by_a_worker_that_died_idle_is_read(start_pool: Callable[..., DecoderPool]) -> None:
    """A worker that was killed before the photo came costs no photo."""
    others = workers()
    pool = start_pool(1)
    pool.start()
    worker = only_worker_but(others)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: "Z" in Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2])
    assert pool.read_pixels(PHOTO, GEOMETRY).size == (224, 224)


def test_read_pixels_beside_stuck_photos_is_answered(
    start_pool: Callable[..., DecoderPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many photos as there are slow places keep nobody waiting, and work at a lower priority."""
    monkeypatch.setattr("model_serving.photos.pool.QUICK_SECONDS", 0.2)
    others = workers()
    pool = start_pool(1)
    pool.start()
    stuck = only_worker_but(others)
    os.kill(stuck, signal.SIGSTOP)  # a decoder that never ends
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(pool.read_pixels, PHOTO, GEOMETRY)
        wait_until(lambda: os.getpriority(os.PRIO_PROCESS, stuck) == SLOW_NICENESS)
        start = time.monotonic()
        assert pool.read_pixels(PHOTO, GEOMETRY).size == (224, 224)
        assert time.monotonic() - start < 10
        assert not reading.done()
        os.kill(stuck, signal.SIGCONT)
        assert reading.result().size == (224, 224)
    assert stuck not in workers()  # its priority could not be raised again


def test_close_ends_workers_and_gives_up_their_photos(start_pool: Callable[..., DecoderPool]) -> None:
    """A process that is told to stop waits for no decoder."""
    others = workers()
    pool = start_pool(1)
    pool.start()
    stuck = only_worker_but(others)
    os.kill(stuck, signal.SIGSTOP)
    failures: list[BaseException] = []

    def read() -> None:
        try:
            pool.read_pixels(PHOTO, GEOMETRY)
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    time.sleep(0.1)
    pool.close()
    for reader in readers:
        reader.join(5)
    assert [str(failure) for failure in failures] == ["the pool is closed"] * 3
    assert workers() == others


PARENT = """
import sys, threading, time
from pathlib import Path
from model_serving.photos import Geometry
from model_serving.photos.pool import DecoderPool

pool = DecoderPool(2, cpu_seconds=60)
pool.start()
pool.read_pixels(Path(sys.argv[1]).read_bytes(), Geometry(224, 1.0))
threading.Thread(target=pool.read_pixels, args=(Path(sys.argv[2]).read_bytes(), Geometry(224, 1.0))).start()
print("ready", flush=True)
time.sleep(60)
"""


def test_workers_of_a_killed_process_end_in_the_middle_of_a_photo(tmp_path: Path) -> None:
    """No worker outlives its pool's process, not even one that is decoding when that is killed."""
    profiles = [(b"iCCP", b"profile\0\0" + inflating(1 << 20))] * 20_000  # some ten seconds of work
    for name, photo in (("photo", PHOTO), ("costly", png(2, 2, 8, 0, b"\x80\xff", *profiles))):
        (tmp_path / name).write_bytes(photo)
    command = [sys.executable, "-c", PARENT, str(tmp_path / "photo"), str(tmp_path / "costly")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY) as parent:
        assert parent.stdout
        parent.stdout.readline()
        alive = workers(parent.pid)
        assert len(alive) >= 2
        parent.kill()
    wait_until(lambda: not any(is_running(pid) for pid in alive), 3)


def is_running(pid: int) -> bool:
    """Tell whether a process is there and is no zombie."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_decoded_photo_as_an_image_has_its_pixels() -> None:
    """Pixels turn into an image of their width and height."""
    image = DecodedPhoto((2, 1), (2, 1), bytes((255, 0, 0, 0, 0, 255)), 0.0).image()
    assert [image.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize("kind", KINDS)
def test_finish_of_a_whole_photo_gives_all_of_it_as_it_is_seen(pool: DecoderPool, kind: str) -> None:
    """The whole photo comes out of the decode for the model's pixels, which are the same as without it."""
    photo = KINDS[kind][0]()
    decoded = pool.read_pixels(photo, GEOMETRY, whole_side=250)
    assert decoded.pixels == pool.read_pixels(photo, GEOMETRY).pixels
    assert decoded.whole
    whole = pool.finish(decoded.whole)
    shrunk = photos.read_shrunk(photo, 1000)
    assert whole.size == shrunk.size
    assert np.abs(np.asarray(whole, int) - np.asarray(shrunk, int)).max() <= (decoded.photo_size != whole.size)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
@pytest.mark.parametrize(("size", "side", "shrunk"), [((301, 200), 80, (76, 50)), ((1, 4000), 90, (1, 334))])
def test_finish_of_a_reduced_photo_gives_the_mean_of_squares(
    pool: DecoderPool, mode: str, size: tuple[int, int], side: int, shrunk: tuple[int, int]
) -> None:
    """A whole photo has no more pixels than asked for, and shows what one shrunk as finely shows."""
    gradient = Image.linear_gradient("L").resize(size)
    decoded = pool.read_pixels(encode(gradient.convert(mode), "PNG"), GEOMETRY, whole_side=side)
    assert decoded.whole
    whole = pool.finish(decoded.whole)
    assert whole.size == shrunk
    expected = np.asarray(gradient.convert("RGB").resize(shrunk, Image.Resampling.BOX), int)
    assert np.abs(np.asarray(whole, int) - expected).max() <= 3


def test_finish_of_impossible_pixels_is_an_error_of_the_photo(pool: DecoderPool) -> None:
    """A whole photo that cannot be finished is told as damaged, and the worker goes on."""
    with pytest.raises(errors.DamagedPhotoError):
        pool.finish(Unfinished((10, 10), "RGB", b"too few", Finish()))
    assert pool.finish(Unfinished((1, 1), "L", b"\x07", Finish())).getpixel((0, 0)) == (7, 7, 7)
