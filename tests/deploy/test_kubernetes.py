"""The Kubernetes manifests as kustomize renders them, against Kubernetes' own schemas and against each other.

KServe's InferenceService has no schema in a package of reasonable size: `test_render_kserve_replaces_serving` checks
what the rest of the product relies on. (Its fields' names were compared by hand with KServe 0.16's Python package.)
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy import capacity

REPOSITORY = Path(__file__).parents[2]
KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
# The oldest that is still looked after, and the newest that the validator knows.
VERSIONS = ("1.33", kubernetes_validate.latest_version())
VARIANTS = ("base", "overlays/canary", "overlays/gpu", "overlays/kserve")

Objects = dict[tuple[str, str], dict[str, Any]]

every_variant = pytest.mark.parametrize("variant", VARIANTS)

# What each container answers to a probe.
PROBED = {
    "gateway": {"/livez", "/readyz"},
    "page": {"/"},
    "serving": {"/v1/models/dog_breed", "/v1/models/dog_breed/metadata"},
}
DNS = [{"port": port, "protocol": protocol} for port in (53, 5353) for protocol in ("UDP", "TCP")]


@pytest.fixture(scope="module")
def render(require: Callable[[object, str], None]) -> Callable[[str], Objects]:
    """Return a function that renders a variant into its objects, by kind and name."""
    kustomize, kubectl = shutil.which("kustomize"), shutil.which("kubectl")
    require(kustomize or kubectl, "kustomize or kubectl")

    @functools.cache
    def rendered(variant: str) -> Objects:
        command = [str(kustomize), "build"] if kustomize else [str(kubectl), "kustomize"]
        text = subprocess.run([*command, KUBERNETES / variant], check=True, capture_output=True, text=True).stdout
        return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}

    return rendered


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the pod template of every Deployment and Job."""
    for (kind, name), one in objects.items():
        if kind in ("Deployment", "Job"):
            yield name, one["spec"]["template"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all containers of a pod template, those that only start others too."""
    found: list[dict[str, Any]] = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
    return found


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Tell whether labels have all that a selector asks for."""
    return selector.items() <= labels.items()


def pod_labels(objects: Objects) -> list[dict[str, str]]:
    """Return the labels of each kind of pod, those that KServe makes too."""
    labels = [pod["metadata"]["labels"] for _, pod in pods(objects)]
    return labels + [
        one["spec"]["predictor"]["labels"] for (kind, _), one in objects.items() if kind == "InferenceService"
    ]


@pytest.mark.parametrize("version", VERSIONS)
@every_variant
def test_validate_objects_against_schemas(render: Callable[[str], Objects], variant: str, version: str) -> None:
    """Kubernetes knows every field of every object; none is misspelt or of another type."""
    for (kind, _), one in render(variant).items():
        if kind != "InferenceService":
            kubernetes_validate.validate(one, version, strict=True)


def test_validate_misspelt_object_fails(render: Callable[[str], Objects]) -> None:
    """The validator is as strict as the test above takes it to be."""
    broken = yaml.safe_load(yaml.safe_dump(render("base")["Deployment", "gateway"]))
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


@every_variant
def test_render_pods_are_restricted(render: Callable[[str], Objects], variant: str) -> None:
    """Every pod meets the standard `restricted`, which the namespace enforces, and has neither a disk nor a token."""
    objects = render(variant)
    assert objects["Namespace", "dog-breed"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod in pods(objects):
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, name
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        kinds = {kind for volume in pod["spec"].get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"emptyDir", "configMap", "persistentVolumeClaim"}, name
        folders = [volume["emptyDir"] for volume in pod["spec"].get("volumes", []) if "emptyDir" in volume]
        assert all("sizeLimit" in folder for folder in folders), name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name
            assert re.fullmatch(r"dog-breed-detector-(model|serving|gateway|page):[\w-]+", container["image"])


@every_variant
def test_render_deployments_have_all_that_keeps_them_up(render: Callable[[str], Objects], variant: str) -> None:
    """Each is probed, makes room for its successor before it goes, and is never drained away whole."""
    objects = render(variant)
    for name in (name for kind, name in objects if kind == "Deployment"):
        spec = objects["Deployment", name]["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        assert "lifecycle" in container, name
        ports = {port["name"] for port in container["ports"]}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container[kind]["httpGet"]
            assert asked["port"] in ports, (name, kind)
            assert asked["path"] in PROBED[name], (name, kind)
        scaler = objects.get(("HorizontalPodAutoscaler", name))
        # An autoscaler and a number of replicas would fight each other.
        assert ("replicas" in spec) == (scaler is None)
        assert scaler is None or scaler["spec"]["scaleTargetRef"]["name"] == name
        budget = objects["PodDisruptionBudget", name]["spec"]
        assert selects(budget["selector"]["matchLabels"], spec["template"]["metadata"]["labels"])


@every_variant
def test_render_selectors_find_pods(render: Callable[[str], Objects], variant: str) -> None:
    """Every selector of pods by labels finds pods of one kind."""
    objects = render(variant)
    labels = pod_labels(objects)
    for (kind, name), one in objects.items():
        selector = {
            "Service": lambda spec: spec["selector"],
            "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda spec: spec["podSelector"].get("matchLabels"),
        }.get(kind, lambda spec: None)(one.get("spec"))
        if selector:
            assert sum(selects(selector, pod) for pod in labels) == 1, (kind, name)


@every_variant
def test_render_policies_allow_what_is_asked(render: Callable[[str], Objects], variant: str) -> None:
    """Everything is forbidden but the connections that the product makes, and those are allowed on both ends."""
    objects = render(variant)
    deny = objects["NetworkPolicy", "default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    gateway, page = (environment(objects, name) for name in ("gateway", "page"))
    asked = {
        ("gateway", "serving", port_of(gateway["DETECTOR_SERVING_ADDRESS"])),
        ("page", "serving", port_of(page["SERVING_REST_ADDRESS"])),
        ("page", "gateway", port_of(page["GATEWAY_ADDRESS"])),
    }
    assert connections(objects, "egress", "to") == connections(objects, "ingress", "from") == asked
    ports = {
        name: {port["port"] for port in objects["Service", name]["spec"]["ports"]} for name in ("gateway", "serving")
    }
    assert {(name, port) for _, name, port in asked} == {(name, port) for name in ports for port in ports[name]}
    # To the DNS wherever it is, and nowhere else outside; TensorFlow Serving asks nothing.
    for name in ("gateway", "page"):
        assert [rule for rule in rules(objects, name, "egress") if "to" not in rule] == [{"ports": DNS}]
    assert "Egress" not in objects["NetworkPolicy", "serving"]["spec"]["policyTypes"]
    assert rules(objects, "serving", "egress") == []


@every_variant
def test_render_page_policy_lets_all_in(render: Callable[[str], Objects], variant: str) -> None:
    """Anybody may come to the port that the page's Service leads to."""
    objects = render(variant)
    (container,) = objects["Deployment", "page"]["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    (served,) = objects["Service", "page"]["spec"]["ports"]
    assert served["targetPort"] == port["name"]
    assert rules(objects, "page", "ingress") == [{"ports": [{"port": port["containerPort"]}]}]


def rules(objects: Objects, name: str, direction: str) -> list[dict[str, Any]]:
    """Return the rules of a policy for one direction."""
    found: list[dict[str, Any]] = objects["NetworkPolicy", name]["spec"].get(direction, [])
    return found


def environment(objects: Objects, name: str) -> dict[str, str]:
    """Return what a Deployment's container finds in its environment."""
    (container,) = objects["Deployment", name]["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("value", "") for one in container["env"]}


def port_of(address: str) -> int:
    """Return the port at the end of an address."""
    return int(address.rpartition(":")[2])


def connections(objects: Objects, direction: str, peers: str) -> set[tuple[str, str, int]]:
    """Return who may connect to whom within the product, and on which port, as one end's policies have it."""
    found = set()
    for (kind, name), one in objects.items():
        for rule in one["spec"].get(direction, []) if kind == "NetworkPolicy" else []:
            for peer in rule.get(peers, []):
                other = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name")
                if other:
                    ends = (name, other) if direction == "egress" else (other, name)
                    found |= {(*ends, port["port"]) for port in rule["ports"]}
    return found


@every_variant
def test_render_gateway_takes_turns(render: Callable[[str], Objects], variant: str) -> None:
    """The gateway's address of TensorFlow Serving is by DNS, and the DNS knows each server, not one for all."""
    objects = render(variant)
    assert environment(objects, "gateway")["DETECTOR_SERVING_ADDRESS"].startswith("dns:///serving:")
    assert objects["Service", "serving"]["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize(("variant", "parameters"), [("base", "cpu"), ("overlays/gpu", "gpu")])
def test_render_serving_batches_by_the_same_text(
    render: Callable[[str], Objects], variant: str, parameters: str
) -> None:
    """The parameters of batching are those of the containers, and the server is told where they are."""
    objects = render(variant)
    (pod,) = (pod for name, pod in pods(objects) if name == "serving")
    (container,) = pod["spec"]["containers"]
    (flag,) = (one for one in container["args"] if one.startswith("--batching_parameters_file="))
    told = configuration(objects, container, pod["spec"])
    assert told[flag.partition("=")[2]] == (REPOSITORY / "model_serving" / "batching" / f"{parameters}.txt").read_text()


def configuration(objects: Objects, container: dict[str, Any], pod: dict[str, Any]) -> dict[str, str]:
    """Return the texts that a container finds in its ConfigMaps, by path."""
    maps = {one["name"]: one["configMap"]["name"] for one in pod["volumes"] if "configMap" in one}
    return {
        f"{mount['mountPath']}/{file}": text
        for mount in container["volumeMounts"]
        if mount["name"] in maps
        for file, text in objects["ConfigMap", maps[mount["name"]]]["data"].items()
    }


def test_render_canary_has_servers_and_gateways_follow_one_file(render: Callable[[str], Objects]) -> None:
    """All read the file that the job makes, from the one volume, and nobody but the job may write there."""
    objects = render("overlays/canary")
    (job,) = objects["Job", "model"]["spec"]["template"]["spec"]["containers"]
    assert "--labels" in job["args"]
    file = environment(objects, "gateway")["DETECTOR_MODEL_CONFIG_FILE"]
    assert file == f"{job['args'][job['args'].index('--model') + 1]}/models.config"
    (serving,) = objects["Deployment", "serving"]["spec"]["template"]["spec"]["containers"]
    assert f"--model_config_file={file}" in serving["args"]
    assert set(render("base")["Deployment", "serving"]["spec"]["template"]["spec"]["containers"][0]["args"]) < set(
        serving["args"]
    )
    for name in ("gateway", "serving"):
        pod = objects["Deployment", name]["spec"]["template"]["spec"]
        (volume,) = (one for one in pod["volumes"] if one["name"] == "models")
        assert volume["persistentVolumeClaim"] == {"claimName": "models", "readOnly": True}
        mounted = [mount for one in pod["containers"] for mount in one["volumeMounts"] if mount["name"] == "models"]
        assert mounted == [{"name": "models", "mountPath": "/models", "readOnly": True}]


@every_variant
def test_render_page_reads_the_models_where_nginx_looks(render: Callable[[str], Objects], variant: str) -> None:
    """nginx has the model's volume, to read alone, at the place that the image names."""
    pod = render(variant)["Deployment", "page"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {"name": "models", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}} in pod["volumes"]
    (root,) = re.findall(r"MODELS_ROOT=(\S+)", (REPOSITORY / "detector_app" / "Dockerfile").read_text())
    assert {"name": "models", "mountPath": root, "readOnly": True} in container["volumeMounts"]


def test_render_gpu_asks_for_gpu(render: Callable[[str], Objects]) -> None:
    """Each server gets a GPU of its own, on a node that has one, with the image that knows to use it."""
    pod = render("overlays/gpu")["Deployment", "serving"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    # The very name that compose builds it under.
    compose = yaml.safe_load((REPOSITORY / "docker-compose.gpu.yaml").read_text())
    assert container["image"] == compose["services"]["serving"]["image"]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true", "kubernetes.io/arch": "amd64"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_render_kserve_replaces_serving(render: Callable[[str], Objects]) -> None:
    """KServe runs the model from the same volume under the name that the gateway asks for, and nothing else does."""
    objects = render("overlays/kserve")
    assert {kind for kind, name in objects if name == "serving"} == {"Service", "PodDisruptionBudget", "NetworkPolicy"}
    one = objects["InferenceService", "dog-breed"]
    assert set(one) == {"apiVersion", "kind", "metadata", "spec"}
    assert one["apiVersion"] == "serving.kserve.io/v1beta1"
    assert one["metadata"]["annotations"] == {"serving.kserve.io/deploymentMode": "RawDeployment"}
    predictor = one["spec"]["predictor"]
    assert predictor["minReplicas"] <= predictor["maxReplicas"]
    model = predictor["model"]
    assert (model["modelFormat"]["name"], model["protocolVersion"]) == ("tensorflow", "grpc-v1")
    assert predictor["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    # The version that the rest of the product runs.
    dockerfile = (REPOSITORY / "model_serving" / "Dockerfile").read_text()
    assert f"SERVING_IMAGE=tensorflow/serving:{model['runtimeVersion']}\n" in dockerfile
    claim, folder = re.fullmatch(r"pvc://([\w-]+)/(\w+)", model["storageUri"]).groups()
    assert ("PersistentVolumeClaim", claim) in objects
    (job,) = objects["Job", "model"]["spec"]["template"]["spec"]["containers"]
    assert f"/models/{folder}" in job["args"]


def test_render_kserve_serves_like_base(render: Callable[[str], Objects]) -> None:
    """KServe's servers have the base's flags but for the runtime's ports and folder, its files and its scraping."""
    base, objects = render("base"), render("overlays/kserve")
    template = base["Deployment", "serving"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    predictor = objects["InferenceService", "dog-breed"]["spec"]["predictor"]
    model = predictor["model"]
    runtimes = ("--port=", "--rest_api_port=", "--model_base_path=")
    assert set(model["args"]) == {flag for flag in container["args"] if not flag.startswith(runtimes)}
    told = configuration(objects, model, predictor)
    assert told == configuration(base, container, template["spec"])
    assert {flag.partition("=")[2] for flag in model["args"] if "_file=" in flag} <= set(told)
    rest = port_of(environment(objects, "page")["SERVING_REST_ADDRESS"])
    assert predictor["annotations"] == template["metadata"]["annotations"] | {"prometheus.io/port": str(rest)}
    assert model["resources"]["requests"] == container["resources"]["requests"]
    scaler = base["HorizontalPodAutoscaler", "serving"]["spec"]
    assert [predictor[name] for name in ("minReplicas", "maxReplicas")] == [
        scaler["minReplicas"],
        scaler["maxReplicas"],
    ]


def test_render_scalers_reach_plan_of_readme(render: Callable[[str], Objects]) -> None:
    """The README's largest plan fits: servers have its size, and the scalers allow its number of them."""
    commands = re.findall(r"deploy\.capacity (--(?!job).*)", (REPOSITORY / "deploy" / "README.md").read_text())
    *on_cpu, on_gpu = [capacity.plan(1_000_000, rates_of(command)) for command in commands]
    base, gpu = render("base"), render("overlays/gpu")
    (container,) = base["Deployment", "serving"]["spec"]["template"]["spec"]["containers"]
    assert int(container["resources"]["requests"]["cpu"]) == capacity.Rates.cores_per_server
    most = {name: base["HorizontalPodAutoscaler", name]["spec"]["maxReplicas"] for name in ("serving", "gateway")}
    assert max(plan.servers for plan in on_cpu) <= most["serving"]
    assert max(plan.gateways for plan in on_cpu) <= most["gateway"]
    assert gpu["Deployment", "serving"]["spec"]["replicas"] == on_gpu.servers


def rates_of(arguments: str) -> capacity.Rates:
    """Return the rates of a command line of `deploy.capacity`."""
    pairs = re.findall(r"--([\w-]+) (\S+)", arguments)
    return capacity.Rates(**{name.replace("-", "_"): float(value) for name, value in pairs})
