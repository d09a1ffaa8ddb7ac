"""The real local server and the real gateway, each a process of its own, with a model that is as small as can be."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).parent.parent
URL = "/api/v1/predict_breed"
START_SECONDS = 120
BREEDS = ["Akita", "Beagle", "Collie", "Dalmatian", "Eurasier", "Finnish Spitz"]


def save_model(path: Path, size: int = 8) -> None:
    """Write a model whose every output depends on every pixel."""
    import tensorflow as tf

    card = {"input_size": size, "crop": 1, "breeds": BREEDS, "detects_dogs": True, "thresholds": {"dog": 0.5}}
    weights = tf.random.stateless_normal([size * size * 3, len(BREEDS)], seed=[1, 2]) / size

    @tf.function(input_signature=[tf.TensorSpec([None, size, size, 3], tf.uint8, "pixels")])
    def pixels(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        seen = tf.reshape(tf.cast(pixels, tf.float32) / 255, [-1, size * size * 3])
        top = tf.math.top_k(tf.nn.softmax(tf.linalg.matmul(seen, weights)), 5)
        return {
            "top_breeds": tf.gather(tf.constant(BREEDS), top.indices),
            "top_probabilities": top.values,
            "dog_probability": tf.reduce_mean(seen, 1),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "unused")])
    def describe(unused: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"model_card": tf.fill(tf.shape(unused), json.dumps(card))}

    module = tf.Module()
    module.pixels, module.describe = pixels, describe
    tf.saved_model.save(module, path, signatures={"pixels": pixels, "describe": describe})


@contextlib.contextmanager
def running(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module of the project until the block ends, whatever state it is in then."""
    process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=REPOSITORY, env=os.environ | environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def local_server(folder: Path, port: int, *flags: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """Run the local server with the models of a folder."""
    where = (f"--port={port}", "--host=127.0.0.1", "--model_name=dog_breed", f"--model_base_path={folder}")
    return running("local_server.main", *where, *flags)


@contextlib.contextmanager
def gateway(serving_port: int, port: int, **settings: object) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Run a gateway; yield its process, and a client for it."""
    environment = {f"DETECTOR_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= {"DETECTOR_PORT": str(port), "DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{serving_port}"}
    with (
        running("detector_api", **environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=START_SECONDS) as client,
    ):
        wait_until(lambda: status(client, "/livez") == 200)
        yield process, client


def status(client: httpx.Client, path: str) -> int:
    """Return the status of a GET, 0 if nobody answers."""
    with contextlib.suppress(httpx.TransportError):
        return client.get(path).status_code
    return 0


def wait_until(condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Return as soon as the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this has not come true in time"
        time.sleep(0.02)
