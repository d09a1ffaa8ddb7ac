"""Promises of the compose files and their Dockerfiles, as compose reads them; no engine needed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
CPU, GPU = "docker-compose.yaml", "docker-compose.gpu.yaml"
CANARY = "deploy/canary.yaml"
LONG_RUNNING = ("gateway", "page", "serving")

both_files = pytest.mark.parametrize("file", [CPU, GPU])


def read_services(docker: Callable[..., str], file: str, profile: str = "") -> dict[str, Any]:
    """Return the services of a compose file, with those of a profile, as compose understands them."""
    services: dict[str, Any] = read_config(docker, file, profile)["services"]
    return services


def read_config(docker: Callable[..., str], file: str, profile: str = "") -> dict[str, Any]:
    """Return a compose file as compose understands it."""
    config = docker("compose", "-f", file, "--profile", profile, "config", "--format", "json")
    read: dict[str, Any] = json.loads(config)
    return read


def read_stage(build: dict[str, Any]) -> str:
    """Return the text of the Dockerfile's stage that is built."""
    stages = re.split(r"(?m)^(?=FROM )", (REPOSITORY / build["dockerfile"]).read_text())[1:]
    wanted = [stage for stage in stages if stage.splitlines()[0].endswith(f" AS {build.get('target')}")]
    return (wanted or stages)[-1]


@both_files
def test_read_config_publishes_page_port_alone(docker: Callable[..., str], file: str) -> None:
    """From outside one can reach the page, on port 80 unless PORT says otherwise, and nothing else."""
    published = {
        (name, port["published"], port["target"])
        for name, service in read_services(docker, file).items()
        for port in service.get("ports", [])
    }
    assert published == {("page", "80", 8080)}


@both_files
def test_read_config_hardens_every_service(docker: Callable[..., str], file: str) -> None:
    """No service is root, has or gains a capability, writes its own files, sees the host's, or takes all memory."""
    for name, service in read_services(docker, file).items():
        assert re.findall(r"(?m)^USER (.+)", read_stage(service["build"]))[-1].partition(":")[0] not in ("0", "root")
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert {"cpus", "cpu_shares"} & set(service), name
        assert {mount["type"] for mount in service.get("volumes", [])} <= {"volume"}, name
        assert not {"privileged", "user", "cap_add", "network_mode", "pid", "ipc"} & set(service), name


@both_files
def test_read_config_limits_every_tmpfs(docker: Callable[..., str], file: str) -> None:
    """Nothing that a container writes can take more memory than a stated size."""
    for name, service in read_services(docker, file, "monitoring").items():
        for mount in service.get("tmpfs", []):
            assert re.search(r"[:,]size=\d+[mg](,|$)", mount), (name, mount)


@both_files
def test_read_config_joins_only_those_who_speak(docker: Callable[..., str], file: str) -> None:
    """Two services share a network if one asks the other, and then exactly one; only the trainer gets outside."""
    shared = {
        "page-gateway": {"page", "gateway", "prometheus"},
        "page-serving": {"page", "serving", "prometheus"},
        "gateway-serving": {"gateway", "serving"},
        "grafana-prometheus": {"grafana", "prometheus"},
        "published": {"page", "grafana"},
        "outside": {"model"},
    }
    services = read_services(docker, file, "monitoring")
    networks = read_config(docker, file, "monitoring")["networks"]
    joined = {network: {name for name in services if network in services[name]["networks"]} for network in networks}
    assert joined == shared
    closed = {name for name, network in networks.items() if network.get("internal")}
    assert set(networks) - closed == {"published", "outside"}
    options = networks["published"]["driver_opts"]
    assert options == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


@both_files
def test_read_config_lets_scale(docker: Callable[..., str], file: str) -> None:
    """Several of a service can run side by side: they share no name, and the page alone has a port of the host."""
    for name, service in read_services(docker, file).items():
        assert "container_name" not in service, name
        assert "hostname" not in service, name
    assert read_services(docker, file)["gateway"]["environment"]["DETECTOR_SERVING_ADDRESS"] == "dns:///serving:8500"


def test_read_config_repeats_defaults_of_image(docker: Callable[..., str]) -> None:
    """The page's container is told by default what its image would take anyway."""
    told = read_services(docker, CPU)["page"]["environment"]
    defaults = re.findall(r'(?m)^ +(\w+)=("[^"]*"|\S+)', (REPOSITORY / "detector_app" / "Dockerfile").read_text())
    assert told.items() <= {name: value.strip('"') for name, value in defaults}.items()


@both_files
def test_read_config_lets_serving_have_its_threads(docker: Callable[..., str], file: str) -> None:
    """TensorFlow Serving may make its ten threads a core on a host of hundreds of cores."""
    assert read_services(docker, file)["serving"]["pids_limit"] >= 10 * 512


@both_files
def test_read_config_keeps_logs_small(docker: Callable[..., str], file: str) -> None:
    """Logs go to the engine, which keeps the last 30 MB of each container."""
    for name, service in read_services(docker, file, "monitoring").items():
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}, name


@both_files
def test_read_monitoring_profile_hardens_its_services(docker: Callable[..., str], file: str) -> None:
    """Prometheus and Grafana come only when asked for, pinned, confined like the rest, and for the host alone."""
    added = read_services(docker, file, "monitoring")
    for name in read_services(docker, file):
        del added[name]
    assert set(added) == {"prometheus", "grafana"}
    for service in added.values():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
        assert int(service["user"].partition(":")[0]) > 0
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
        assert service["read_only"]
        assert service["mem_limit"]
        assert service["pids_limit"]
        assert service["cpu_shares"]
        assert service["healthcheck"]["test"]
        assert {mount["type"] for mount in service.get("volumes", [])} <= {"volume"}
    published = {(name, port["host_ip"], port["target"]) for name in added for port in added[name].get("ports", [])}
    assert published == {("grafana", "127.0.0.1", 3000)}


@pytest.mark.parametrize("name", ["detector_api", "detector_app", "model_serving"])
def test_read_dockerfile_pins_bases_by_argument(name: str) -> None:
    """Every base image is a build argument whose default is one version of it."""
    text = (REPOSITORY / name / "Dockerfile").read_text()
    images = dict(re.findall(r"(?m)^ARG (\w+_IMAGE)=(\S+)$", text))
    stages = set(re.findall(r" AS (\S+)", text)) | {"scratch", "model-${MODEL}", "${SERVER}"}
    assert set(re.findall(r"(?m)^FROM (\S+)", text)) <= stages | {f"${{{image}}}" for image in images}
    assert all(re.search(r":\d+\.\d+", image) for image in images.values())


@pytest.mark.parametrize("name", ["detector_api", "model_serving"])
def test_read_dockerfile_installs_files_of_known_hashes_alone(name: str) -> None:
    """Nothing comes from a package registry but what the lock file has a hash of."""
    commands = (REPOSITORY / name / "Dockerfile").read_text().replace("\\\n", " ")
    installs = re.findall(r"pip install --no-cache-dir --no-deps (\S+) (\S+)", commands)
    assert len(installs) == commands.count("pip install")
    assert set(installs) == {("--require-hashes", "--requirement"), ("--no-build-isolation", ".")}


def test_read_serving_stages_by_platform(docker: Callable[..., str]) -> None:
    """TensorFlow Serving runs where it is published, the local server elsewhere; on a GPU nothing else will do."""
    text = (REPOSITORY / "model_serving" / "Dockerfile").read_text()
    assert re.findall(r"(?m)^FROM (\S+) AS server-(\w+)$", text) == [
        ("tensorflow-serving", "amd64"),
        ("local-server", "arm64"),
    ]
    assert "ARG SERVER=server-${TARGETARCH}\n" in text
    for file in (CPU, GPU):
        assert not any("platform" in service for service in read_services(docker, file).values())


@both_files
def test_read_config_checks_health_of_every_long_running_service(docker: Callable[..., str], file: str) -> None:
    """Every service that runs for good is restarted, has a health check, and waits until the one before it is ready."""
    services = read_services(docker, file)
    running = {name: service for name, service in services.items() if service["restart"] == "unless-stopped"}
    assert set(running) == set(LONG_RUNNING)
    assert set(services) - set(running) == {"model"}
    for service in running.values():
        assert re.search(r"(?m)^HEALTHCHECK .*CMD", read_stage(service["build"]))
    waits = {name: {n: d["condition"] for n, d in service["depends_on"].items()} for name, service in running.items()}
    assert waits == {
        "serving": {"model": "service_completed_successfully"},
        "gateway": {"serving": "service_healthy"},
        "page": {"gateway": "service_healthy"},
    }


def test_read_gpu_config_differs_in_image_and_device_alone(docker: Callable[..., str]) -> None:
    """The GPU's file is the CPU's, with TensorFlow Serving's GPU image and one GPU."""
    cpu, gpu = read_services(docker, CPU), read_services(docker, GPU)
    serving = gpu["serving"]
    (device,) = serving.pop("deploy")["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"], device["capabilities"]) == ("nvidia", 1, ["gpu"])
    assert serving["build"].pop("args") == {
        "SERVING_IMAGE": "tensorflow/serving:2.21.0-gpu",
        "SERVER": "tensorflow-serving",
        "BATCHING": "gpu",
    }
    # An image of its own name, that no registry is asked for.
    assert (serving.pop("image"), serving.pop("pull_policy")) == ("dog-breed-detector-serving:1-gpu", "never")
    assert gpu == cpu


@both_files
def test_read_canary_config_has_servers_and_gateways_follow_one_file(docker: Callable[..., str], file: str) -> None:
    """With the canary's file servers and gateways read the file that `model` makes, and all else is as without it."""
    plain = read_services(docker, file)
    config = docker("compose", "-f", file, "-f", CANARY, "config", "--format", "json")
    labelled: dict[str, Any] = json.loads(config)["services"]
    labels = labelled["gateway"]["environment"].pop("DETECTOR_MODEL_CONFIG_FILE")
    assert "--labels" in labelled["model"].pop("command")
    (volume,) = labelled["gateway"].pop("volumes")
    assert (volume["source"], volume["target"], volume["read_only"]) == ("models", "/models", True)
    flags = labelled["serving"].pop("command")
    own = json.loads(re.sub(r"\\\n", "", re.findall(r"(?ms)^CMD (\[.*?\])", read_stage(plain["serving"]["build"]))[-1]))
    assert flags[: len(own)] == own
    assert f"--model_config_file={labels}" in flags
    for service in (plain, labelled):
        service["model"].pop("command", None)
        service["serving"].pop("command", None)
    assert labelled == plain
