"""`make run`: the whole product in one terminal, without containers.

Two processes: the local server, which needs TensorFlow, and this one, which serves page and gateway without it.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from pathlib import Path

import uvicorn

import model_serving
from detector_api.http.protocol import server_config
from detector_api.main import create_app
from detector_api.memory import tune_memory
from detector_api.settings import Settings
from detector_app import runtime
from dog_breed.errors import LaptopError
from dog_breed.front import create_front
from model_serving.savedmodel.tags import preferred_tags
from model_serving.savedmodel.versions import list_versions

LOOPBACK = "127.0.0.1"
MODEL_NAME = "dog_breed"
BATCHING = Path(model_serving.__file__).parent / "batching" / "cpu.txt"
STOP_SECONDS = 10


def run(model: Path, host: str, port: int, grpc_port: int, rest_port: int) -> None:
    """Serve the newest version in the folder `model` until Ctrl-C, then stop every part.

    Builds the starter model first if the folder has no version. Raises `LaptopError` if a port is taken or a part
    fails.
    """
    # SIGTERM stops the parts as Ctrl-C does; uvicorn passes the signal on when it has shut down.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    if len({port, grpc_port, rest_port}) < 3:
        raise LaptopError(
            f"PORT={port}, GRPC_PORT={grpc_port} and REST_PORT={rest_port} must be three different ports."
        )
    _require_free(host, port, "PORT")
    _require_free(LOOPBACK, grpc_port, "GRPC_PORT")
    _require_free(LOOPBACK, rest_port, "REST_PORT")
    fetch_runtime()
    asyncio.run(_run(model.resolve(), host, port, grpc_port, rest_port))


def fetch_runtime() -> None:
    """Fetch what the page needs for answers on the device, unless it is there; without it, all else works."""
    if runtime.is_there():
        return
    print("Fetching the runtime for answers on the device, once (12 MB) ...", flush=True)
    try:
        runtime.fetch()
    except runtime.RuntimeUnavailableError as error:
        print(f"{error} The page does without answers on the device until the next start.", flush=True)


async def _run(model: Path, host: str, port: int, grpc_port: int, rest_port: int) -> None:
    if not list_versions(model):
        print("Building the starter model, once (about half a minute) ...", flush=True)
        builder = await _start("dog_breed", "export", "--model", str(model))
        if await _finished(builder) != 0:
            raise LaptopError("The starter model could not be built; the lines above say why.")

    print("Loading the model ...", flush=True)
    server = await _start(
        "local_server.main",
        f"--host={LOOPBACK}",
        f"--port={grpc_port}",
        f"--rest_api_port={rest_port}",
        f"--model_name={MODEL_NAME}",
        f"--model_base_path={model}",
        f"--preferred_saved_model_tags={','.join(preferred_tags())}",
        "--enable_batching",  # several photos at once
        f"--batching_parameters_file={BATCHING}",
        "--max_num_load_retries=0",  # report a broken model at once, not after five minutes of retries
    )
    try:
        await _until_open(rest_port, server)
        await _serve_page(model, host, port, grpc_port, rest_port, server)
    finally:
        await _stop(server)


async def _serve_page(
    model: Path, host: str, port: int, grpc_port: int, rest_port: int, server: asyncio.subprocess.Process
) -> None:
    settings = Settings(host=host, port=port, serving_address=f"{LOOPBACK}:{grpc_port}", model_name=MODEL_NAME)
    front = create_front(create_app(settings), f"{LOOPBACK}:{rest_port}", settings.max_upload_bytes, model)
    page = _PageServer(server_config(front, settings, log_level="warning"))
    tune_memory()
    serving = asyncio.create_task(page.serve())
    died = asyncio.create_task(server.wait())
    await asyncio.wait({serving, died}, return_when=asyncio.FIRST_COMPLETED)
    if died.done() and not serving.done():
        page.should_exit = True
        await serving
        raise LaptopError("The model server has stopped; its last lines above say why.")
    await serving


class _PageServer(uvicorn.Server):
    """Prints the address once the page can be opened."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = self.config.port
        print(f"Ready: open http://localhost:{port} and drop a photo. Ctrl-C stops everything.", flush=True)


def _require_free(host: str, port: int, setting: str) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LaptopError(
                f"Port {port} is taken by another program. Stop that, or choose another: make run {setting}={port + 10}"
            ) from error
        raise LaptopError(
            f"Port {port} of {host} cannot be opened ({error.strerror}). Choose another: make run {setting}=8090"
        ) from error


async def _start(module: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments)


async def _finished(process: asyncio.subprocess.Process) -> int:
    try:
        return await process.wait()
    finally:
        await _stop(process)


async def _until_open(port: int, server: asyncio.subprocess.Process) -> None:
    """Wait for the local server's port, which it opens once the model is available."""
    while server.returncode is None:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise LaptopError("The model server could not start; its last lines above say why.")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
