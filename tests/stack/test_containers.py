"""The containers on a real engine, from an empty volume to an answer through nginx."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

pytestmark = pytest.mark.containers

LONG_RUNNING = ("gateway", "page", "serving")


def test_post_photo_names_breed(stack: Any, shared_images: Path) -> None:
    """A photo sent to the published port comes back with its breed, through nginx, gateway and TensorFlow Serving."""
    photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()
    reply = httpx.post(f"{stack.url}/api/v1/predict_breed", files={"dog_image": photo}, timeout=30)
    assert (reply.status_code, reply.json()["breed"], reply.json()["is_dog"]) == (200, "Brittany", True)
    assert reply.json()["model"] == {"name": "dog_breed", "version": 1}


def test_post_large_photo_needs_no_disk(stack: Any, shared_images: Path) -> None:
    """A photo larger than the usual buffers passes, though no service has a disk to put it on."""
    body = io.BytesIO()
    with Image.open(shared_images / "dogs" / "Brittany_02625.jpg") as photo:
        photo.resize((photo.width * 6, photo.height * 6)).save(body, "JPEG", quality=100)
    assert body.tell() > 2 * 2**20
    reply = httpx.post(f"{stack.url}/api/v1/predict_breed", files={"dog_image": body.getvalue()}, timeout=30)
    assert (reply.status_code, reply.json().get("breed")) == (200, "Brittany")


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/", "text/html", "<title"),
        ("/js/main.js", "javascript", "import"),
        ("/readyz", "application/json", ""),
        ("/v1/models/dog_breed", "application/json", '"AVAILABLE"'),
        ("/models/dog_breed/1/on_device.tflite", "application/octet-stream", "TFL3"),
    ],
)
def test_get_through_nginx_reaches_every_service(stack: Any, path: str, kind: str, text: str) -> None:
    """nginx serves page and file for devices, and passes on to the gateway and to TensorFlow Serving's REST API."""
    reply = httpx.get(stack.url + path)
    assert reply.status_code == 200, reply.text
    assert kind in reply.headers["content-type"]
    assert text in reply.text


def test_post_photo_to_rest_names_breed(stack: Any, shared_images: Path) -> None:
    """The page's second client gets its answer from TensorFlow Serving itself, with nothing between but nginx."""
    photo = base64.b64encode((shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()).decode()
    reply = httpx.post(f"{stack.url}/v1/models/dog_breed:predict", json={"instances": [{"b64": photo}]}, timeout=30)
    assert reply.status_code == 200, reply.text
    assert reply.json()["predictions"][0]["top_breeds"][0] == "Brittany"


def test_post_photo_logs_its_id_and_nothing_of_it(stack: Any, shared_images: Path) -> None:
    """By its id a request is found in the logs of nginx and of the gateway, as JSON, without the photo's name."""
    photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()
    reply = httpx.post(
        f"{stack.url}/api/v1/predict_breed?top_k=2",
        files={"dog_image": ("my-secret-dog.jpg", photo)},
        headers={"X-Request-ID": "asked-by-the-test"},
        timeout=30,
    )
    assert reply.headers.get_list("x-request-id") == ["asked-by-the-test"]
    for service in ("page", "gateway"):
        log = stack.compose("logs", "--no-log-prefix", "--no-color", service)
        (line,) = [line for line in log.splitlines() if "asked-by-the-test" in line]
        assert json.loads(line[line.index("{") :])["status"] == 200
        assert "my-secret-dog" not in log
        assert "top_k" not in log


def test_run_baked_image_needs_no_volume(stack: Any) -> None:
    """The image built with MODEL=baked serves by itself, confined like the others."""
    confined = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    container = stack.docker("run", "--detach", "--init", *confined, stack.baked).strip()
    try:
        stack.wait_until(
            lambda: stack.docker("inspect", "-f", "{{.State.Health.Status}}", container).strip() == "healthy"
        )
        assert stack.docker("exec", container, "ls", "/models/dog_breed").split() == ["1"]
    finally:
        stack.docker("rm", "--force", "--volumes", container)


def test_inspect_containers_publish_one_port(stack: Any) -> None:
    """The engine listens on the host for the page alone."""
    ports = {name: stack.inspect(name)["HostConfig"]["PortBindings"] or {} for name in LONG_RUNNING}
    assert {name: list(bindings) for name, bindings in ports.items()} == {
        "gateway": [],
        "page": ["8080/tcp"],
        "serving": [],
    }


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_look_inside_container_finds_no_privilege(stack: Any, service: str) -> None:
    """Every running process is an ordinary user's, has no capability, and cannot write to its own root."""
    state = stack.inspect(service)["State"]
    assert (state["Health"]["Status"], state["OOMKilled"]) == ("healthy", False)
    status = stack.execute(service, "cat /proc/[0-9]*/status")
    assert all(int(user) > 0 for line in re.findall(r"(?m)^[UG]id:(.*)", status) for user in line.split())
    assert set(re.findall(r"(?m)^Cap(?:Prm|Eff|Bnd):\s*(\w+)", status)) == {"0" * 16}
    mounts = stack.execute(service, "cat /proc/mounts")
    assert re.search(r"(?m)^overlay / overlay ro,", mounts)
    assert not re.search(r"(?m)^\S+ /models \S+ rw,", mounts)


@pytest.fixture
def stack_on_local_server(stack: Any) -> Iterator[Any]:
    """The stack with the image of serving that an arm64 machine builds; here it is the same recipe on this one's."""
    image = f"{stack.project}-serving"
    built = stack.docker("image", "inspect", "--format", "{{.Id}}", image).strip()
    where = ("--file", "model_serving/Dockerfile", "--target", "serving", "--build-arg", "TARGETARCH=arm64")
    stack.docker("buildx", "build", "--load", "--tag", image, *where, ".")
    try:
        stack.up()
        yield stack
    finally:
        stack.docker("tag", built, image)
        stack.up()


def test_post_photo_on_arm64_recipe_names_breed(stack_on_local_server: Any, shared_images: Path) -> None:
    """The local server takes the place of TensorFlow Serving where there is none, confined and healthy like it."""
    stack = stack_on_local_server
    assert "/usr/local/bin/tensorflow_model_server" in stack.execute("serving", "cat /proc/[0-9]*/cmdline")
    photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()
    reply = httpx.post(f"{stack.url}/api/v1/predict_breed", files={"dog_image": photo}, timeout=30)
    assert (reply.status_code, reply.json()["breed"]) == (200, "Brittany")
    assert '"AVAILABLE"' in httpx.get(f"{stack.url}/v1/models/dog_breed").text


@pytest.mark.parametrize(
    ("service", "reached"),
    [
        ("gateway", {"page:8080", "serving:8500", "serving:8501"}),
        ("serving", {"gateway:8000", "page:8080"}),
        ("page", {"gateway:8000", "serving:8500", "serving:8501"}),
    ],
)
def test_connect_from_inside_reaches_neighbours_alone(stack: Any, service: str, reached: set[str]) -> None:
    """The gateway, which decodes photos, reaches its two neighbours, and its networks are closed to the outside."""
    targets = ["gateway:8000", "page:8080", "serving:8500", "serving:8501"]
    for target in targets:
        host, port = target.split(":")
        command = f"timeout 2 bash -c 'exec 3<>/dev/tcp/{host}/{port}' 2>/dev/null; echo $?"
        status = int(stack.execute(service, command))
        assert (status == 0) == (target in reached or target.startswith(f"{service}:")), target
    joined = stack.inspect(service)["NetworkSettings"]["Networks"]
    closed = [name for name in joined if json.loads(stack.docker("network", "inspect", name))[0]["Internal"]]
    # Only nginx's container is in a network that the engine does not close: the host's port leads into it.
    assert set(joined) - set(closed) == ({f"{stack.project}_published"} if service == "page" else set())


@pytest.fixture
def outsider(stack: Any) -> Iterator[str]:
    """The address of a container on the engine's default network, whose port 8080 answers."""
    listen = ("run", "--rm", "--detach", "--entrypoint", "python", f"{stack.project}-gateway")
    container = stack.docker(*listen, "-m", "http.server", "8080").strip()
    try:
        yield json.loads(stack.docker("inspect", container))[0]["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    finally:
        stack.docker("rm", "--force", container)


@pytest.mark.parametrize("service", ["gateway", "serving"])
def test_connect_outwards_from_inside_finds_no_way(stack: Any, outsider: str, service: str) -> None:
    """A container that decodes photos or runs models cannot call out, where a container without our networks can."""
    connect = f"timeout 2 bash -c 'exec 3<>/dev/tcp/{outsider}/8080' 2>/dev/null; echo $?"
    elsewhere = ("run", "--rm", "--entrypoint", "sh", f"{stack.project}-gateway", "-c", connect)
    stack.wait_until(lambda: int(stack.docker(*elsewhere)) == 0)
    assert int(stack.execute(service, connect)) != 0


@pytest.mark.parametrize("service", ["model", *LONG_RUNNING])
def test_read_bill_of_materials_lists_what_image_holds(stack: Any, service: str) -> None:
    """Each image says what it is made of: the packages of its system, and those of Python with their licences."""
    image = f"{stack.project}-{service}"
    text = stack.docker("run", "--rm", "--entrypoint", "cat", image, "/usr/share/sbom.cdx.json")
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == f"dog-breed-detector-{service}"
    debian = {one["name"] for one in bill["components"] if one["purl"].startswith("pkg:deb/")}
    packages = stack.docker("run", "--rm", "--entrypoint", "dpkg-query", image, "-f", "${Package}\n", "-W")
    assert debian == set(packages.split())
    if service in ("model", "gateway"):
        python = {one["name"].lower(): one for one in bill["components"] if one["purl"].startswith("pkg:pypi/")}
        frozen = stack.docker("run", "--rm", "--entrypoint", "pip", image, "list", "--format", "json")
        assert set(python) == {one["name"].lower() for one in json.loads(frozen)}
        assert "GPL" in json.dumps(python["pillow_heif"]["licenses"])
    if service == "page":
        (runtime,) = (one for one in bill["components"] if one["purl"].startswith("pkg:npm/"))
        assert runtime["licenses"] == [{"license": {"name": "Apache-2.0"}}]


def test_start_again_keeps_model(stack: Any) -> None:
    """The one-shot service builds the model on the first start, and on a second finds it and ends at once."""
    assert "exported /models/dog_breed/1" in stack.compose("logs", "model")
    written = stack.execute("serving", "stat -c '%n %Y %Z' /models/dog_breed/*")
    stack.up()
    assert stack.compose("logs", "model").count("exported") == 1
    assert stack.execute("serving", "stat -c '%n %Y %Z' /models/dog_breed/*") == written
    state = stack.inspect("model")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)
