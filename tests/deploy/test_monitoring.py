"""Prometheus and Grafana as they are set up: a real Prometheus asks a real gateway and the local server.

Grafana itself is in no package here: its files are read, and every question of its dashboard is put to Prometheus.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
MONITORING = REPOSITORY / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana" / "detector.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
# The local server does not measure its batches; TensorFlow Serving does, under these names.
UPSTREAM_ALONE = ":tensorflow:serving:batching_session:"
DEADLINE = 60.0


@dataclass(frozen=True)
class Monitored:
    """A gateway before the local server, and Prometheus, which asks both."""

    gateway: str
    prometheus: str

    def query(self, expression: str) -> httpx.Response:
        """Put one question of the dashboard to Prometheus."""
        expression = expression.replace("$__rate_interval", "1m")
        return httpx.get(f"{self.prometheus}/api/v1/query", params={"query": expression})

    def series(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that answer a question, without those whose value is not a number."""
        found: list[dict[str, Any]] = self.query(expression).raise_for_status().json()["data"]["result"]
        return [series for series in found if series["value"][1] != "NaN"]


@pytest.fixture(scope="module")
def programs(require: Callable[[object, str], None]) -> Callable[[str], str]:
    """Return a function that finds a program of Debian's package `prometheus`."""

    def find(name: str) -> str:
        path = shutil.which(name)
        require(path, f"{name} (Debian's package prometheus)")
        assert path
        return path

    return find


@pytest.fixture(scope="module")
def monitored(
    programs: Callable[[str], str],
    starter_model: Path,
    shared_images: Path,
    free_ports: Callable[[int], list[int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Monitored]:
    """Start all three, and have the gateway answer photos until Prometheus has asked twice."""
    grpc, rest, http, prometheus = free_ports(4)
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yaml").write_text(scrape_config(gateway=http, serving=rest))
    serving = [str(Path(sys.executable).with_name("tensorflow_model_server"))]
    serving += [f"--port={grpc}", f"--rest_api_port={rest}", "--model_name=dog_breed"]
    serving += [f"--model_base_path={starter_model}", "--monitoring_config_file=model_serving/monitoring.config"]
    store = [f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder}"]
    address = f"--web.listen-address=127.0.0.1:{prometheus}"
    settings = {"DETECTOR_PORT": str(http), "DETECTOR_SERVING_ADDRESS": f"127.0.0.1:{grpc}"}
    found = Monitored(f"http://127.0.0.1:{http}", f"http://127.0.0.1:{prometheus}")
    with ExitStack() as stack:
        stack.enter_context(running(serving, folder / "serving.log"))
        stack.enter_context(running([sys.executable, "-m", "detector_api"], folder / "gateway.log", **settings))
        stack.enter_context(running([programs("prometheus"), *store, address], folder / "prometheus.log"))
        wait_until(lambda: answers(f"{found.gateway}/readyz") and answers(f"{found.prometheus}/-/ready"))
        photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()

        def asked_and_seen() -> bool:
            httpx.post(f"{found.gateway}/api/v1/predict_breed", files={"dog_image": photo}).raise_for_status()
            rates = ("rate(detector_requests_total[1m])", "rate(:tensorflow:serving:request_count[1m])")
            return all(any(float(series["value"][1]) > 0 for series in found.series(rate)) for rate in rates)

        wait_until(asked_and_seen)
        yield found


def scrape_config(**ports: int) -> str:
    """Return the product's configuration, with ports for the names that only compose knows, and less patience."""
    config = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    config["global"] |= {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
    for job in config["scrape_configs"]:
        (found_by,) = job.pop("dns_sd_configs")
        assert found_by["names"] == [job["job_name"]]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
    return yaml.safe_dump(config)


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[None]:
    """Run a program of the product until the block ends."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=os.environ | environment, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(DEADLINE)


def answers(url: str) -> bool:
    """Tell whether something answers at an address with success."""
    with suppress(httpx.HTTPError):
        return httpx.get(url).is_success
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def check_alert(
    promtool: str, folder: Path, series: dict[str, str], name: str, after: str, told: list[dict[str, Any]]
) -> None:
    """Have Prometheus's own tester judge the alert `after` so long of such series, a value each minute."""
    test = {
        "rule_files": [str(MONITORING / "alerts.yaml")],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series_name, "values": values} for series_name, values in series.items()],
                "alert_rule_test": [{"eval_time": after, "alertname": name, "exp_alerts": told}],
            }
        ],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(test))
    run = subprocess.run([promtool, "test", "rules", folder / "test.yaml"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_check_config_finds_no_fault(programs: Callable[[str], str]) -> None:
    """Prometheus's own checker accepts the configuration."""
    subprocess.run([programs("promtool"), "check", "config", MONITORING / "prometheus.yaml"], check=True)


@pytest.mark.parametrize(
    ("confidence", "photos_a_minute", "is_told"),
    [(0.6, 10, True), (0.99, 10, False), (0.8, 10, False), (0.6, 0.1, False)],
)
def test_alert_tells_a_shift_against_validation(
    programs: Callable[[str], str], tmp_path: Path, confidence: float, photos_a_minute: float, is_told: bool
) -> None:
    """A version whose answers are far from its validation figures is told, unless they are few; another one is not."""
    minutes = 8 * 60
    series = {
        'detector_answer_confidence_count{version="3"}': f"0+{photos_a_minute}x{minutes}",
        'detector_answer_confidence_sum{version="3"}': f"0+{photos_a_minute * confidence}x{minutes}",
        'detector_model_expected_confidence{version="3"}': f"0.85x{minutes}",
        'detector_answer_confidence_count{version="2"}': f"0+10x{minutes}",
        'detector_answer_confidence_sum{version="2"}': f"0+8.5x{minutes}",
        'detector_model_expected_confidence{version="2"}': f"0.85x{minutes}",
    }
    told: list[dict[str, Any]] = [{"exp_labels": {"severity": "warning", "version": "3"}}] if is_told else []
    for alert in told:
        summary = "Version 3 is surer or less sure than on its validation photos, by 25%."
        alert["exp_annotations"] = {"summary": summary}
    check_alert(programs("promtool"), tmp_path, series, "AnswersShifted", "7h", told)


@pytest.mark.parametrize(("asked_again_a_minute", "is_told"), [(6, True), (0, False)])
def test_alert_tells_a_canary_that_fails(
    programs: Callable[[str], str], tmp_path: Path, asked_again_a_minute: int, is_told: bool
) -> None:
    """A canary whose photos have to be asked again is told, one that answers is not."""
    summary = "The canary does not answer: its photos are asked again of the stable version."
    told = [{"exp_labels": {"severity": "warning"}, "exp_annotations": {"summary": summary}}] if is_told else []
    series = {
        'detector_canary_photos_total{outcome="answered"}': "0+10x60",
        'detector_canary_photos_total{outcome="asked_again"}': f"0+{asked_again_a_minute}x60",
    }
    check_alert(programs("promtool"), tmp_path, series, "CanaryFails", "40m", told)


def test_read_rule_for_operator_is_the_same() -> None:
    """In a cluster Prometheus is told the same rules."""
    rule = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text())
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((MONITORING / "alerts.yaml").read_text())


def test_scrape_reaches_gateway_and_server(monitored: Monitored) -> None:
    """Both can be asked at the paths and under the names that the configuration has."""
    assert {(one["metric"]["job"], one["value"][1]) for one in monitored.series("up")} == {
        ("gateway", "1"),
        ("serving", "1"),
    }


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_query_of_dashboard_has_answer(monitored: Monitored, expression: str) -> None:
    """Every question of the dashboard is understood, and after a few photos has an answer."""
    reply = monitored.query(expression)
    assert reply.status_code == 200, reply.text
    assert monitored.series(expression) or UPSTREAM_ALONE in expression


def test_read_dashboard_fits_its_provisioning() -> None:
    """Each panel says what it shows, asks the data source that is set up, and lies where the home page looks."""
    (source,) = yaml.safe_load((MONITORING / "grafana" / "datasource.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((MONITORING / "grafana" / "dashboards.yaml").read_text())["providers"]
    compose = yaml.safe_load((MONITORING / "compose.yaml").read_text())
    grafana = compose["services"]["grafana"]
    assert source["url"] == "http://prometheus:9090"
    mounted = {
        config["target"]: MONITORING / compose["configs"][config["source"]]["file"] for config in grafana["configs"]
    }
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted[home] == MONITORING / "grafana" / "detector.json"
    assert home.startswith(provider["options"]["path"])
    assert all(file.is_file() for file in mounted.values())
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        for target in panel["targets"]:
            assert target["expr"]
            assert target["datasource"] == panel["datasource"] == {"type": source["type"], "uid": source["uid"]}


def test_read_dashboard_shows_all_that_gateway_measures(monitored: Monitored) -> None:
    """No metric of the gateway is missing from the dashboard."""
    measured = set(re.findall(r"(?m)^# TYPE (detector_\w+)", httpx.get(f"{monitored.gateway}/metrics").text))
    shown = set(re.findall(r"detector_\w+", " ".join(EXPRESSIONS)))
    assert {name for name in measured if not name.endswith("_created")} <= {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in shown
    }
