"""A share of the callers is answered by the canary, each always by the same version, and none pays for its faults."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest

from detector_api.client import Detector
from detector_api.prediction import canary
from detector_api.prediction.canary import Canary
from detector_api.serving.target import LATEST, Target
from detector_api.telemetry.metrics import Metrics
from model_serving.releases.labels import follow_live, serve_canary
from model_serving.releases.shelf import promote, rollback
from model_serving.savedmodel.versions import write_version

URL = "/api/v1/predict_breed"
CALLERS = [f"10.0.0.{number}" for number in range(60)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Version 1 live, 2 on the shelf; their files are no models."""
    folder = tmp_path / "dog_breed"
    for number in (1, 2):
        write_version(folder, lambda version: (version / "n").write_text("whole") and None, shelved=number > 1)
    return folder


@pytest.fixture
def looks_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gateways look at the file for every photo."""
    monkeypatch.setattr(canary, "LOOK_SECONDS", 0.0)


def ask(gateway: Any, photo: bytes, caller: str) -> tuple[int, str | None]:
    """Return the version that answers a caller, and its label."""
    reply = gateway.post(URL, files={"dog_image": photo}, headers={"X-Forwarded-For": caller})
    assert reply.status_code == 200, reply.text
    return reply.json()["model"]["version"], reply.json()["model"].get("label")


def counted(gateway: Any, outcome: str) -> float:
    lines = gateway.get("/metrics").text.splitlines()
    name = f'detector_canary_photos_total{{outcome="{outcome}"}} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_predict_sends_a_share_of_callers_to_the_canary_for_good(
    start_gateway: Any, serving: Any, photo: bytes
) -> None:
    """About the share of the callers is answered by the canary, each again as before, and answers tell which."""
    serving.labels = {"stable": 3, "canary": 4}
    gateway = start_gateway(serving_address=serving.address, canary_percent=30)
    with Detector(str(gateway.base_url)) as detector:
        assert detector.predict(photo).model.label in ("stable", "canary")
    answers = [ask(gateway, photo, caller) for caller in CALLERS]
    assert [ask(gateway, photo, caller) for caller in CALLERS] == answers
    shares = Counter(answers)
    assert set(shares) == {(3, "stable"), (4, "canary")}
    assert 0.1 < shares[4, "canary"] / len(CALLERS) < 0.5
    assert counted(gateway, "answered") - 2 * shares[4, "canary"] in (0, 1)  # the first caller's, too
    text = gateway.get("/metrics").text
    assert 'detector_model_info{label="canary",name="dog_breed",version="4"} 1.0' in text
    assert "detector_canary_percent 30.0" in text


def test_predict_of_a_gateway_without_canary_asks_by_no_label(gateway: Any, serving: Any, photo: bytes) -> None:
    """Without the settings the latest version is asked for, and answers are as they always were."""
    serving.labels = {"stable": 3, "canary": 4}
    assert ask(gateway, photo, CALLERS[0]) == (3, None)
    assert not any(request.model_spec.HasField("version_label") for request in serving.requests)


@pytest.mark.parametrize(
    "status", [grpc.StatusCode.INTERNAL, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE, None]
)
def test_predict_of_a_canary_that_fails_is_answered_by_stable(
    start_gateway: Any, serving: Any, photo: bytes, status: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A canary that fails, or that no server knows any more, costs no request, and the server is not given up."""
    monkeypatch.setattr(canary, "REST_SECONDS", 0.0)
    serving.labels = {"stable": 3, "canary": 4} if status else {"stable": 3}
    serving.failures = {4: status}
    gateway = start_gateway(serving_address=serving.address, canary_percent=100)
    assert {ask(gateway, photo, caller) for caller in CALLERS[:8]} == {(3, "stable")}
    assert counted(gateway, "asked_again") == 8
    assert "detector_circuit_open 0.0" in gateway.get("/metrics").text


def test_predict_of_a_canary_that_hangs_is_answered_in_time(start_gateway: Any, serving: Any, photo: bytes) -> None:
    """A canary that never answers leaves its photos time for the stable version, and is left alone for a while."""
    serving.labels = {"stable": 3, "canary": 4}
    serving.hangs = {4}
    gateway = start_gateway(serving_address=serving.address, canary_percent=100, deadline_seconds=4)
    assert [ask(gateway, photo, caller) for caller in CALLERS[:3]] == [(3, "stable")] * 3
    assert counted(gateway, "asked_again") == 1


@pytest.mark.usefixtures("looks_always")
def test_predict_follows_the_file_without_a_restart(
    start_gateway: Any, serving: Any, photo: bytes, model: Path
) -> None:
    """A gateway follows `canary`, `promote` and `rollback` as servers do, by the same file, while it runs."""
    serving.version = 1
    gateway = start_gateway(serving_address=serving.address, model_config_file=model / "models.config")
    assert ask(gateway, photo, CALLERS[0]) == (1, None)

    serve_canary(model, 2, percent=100)
    assert ask(gateway, photo, CALLERS[0]) == (1, None)  # the server has not read it yet, and version 2 is no latest
    serving.version, serving.labels = 2, {"stable": 1, "canary": 2}
    assert ask(gateway, photo, CALLERS[0])[0] == 1  # once it has failed it rests
    assert Canary(model / "models.config", 0, Metrics("dog_breed")).percent == 100

    promote(model, 2)
    follow_live(model)
    serving.labels = {"stable": 2}
    assert ask(gateway, photo, CALLERS[0]) == (2, "stable")
    rollback(model)
    follow_live(model)
    serving.labels = {"stable": 1}
    assert ask(gateway, photo, CALLERS[0]) == (1, "stable")


def test_larger_share_keeps_those_of_the_smaller(model: Path) -> None:
    """A share that grows takes callers in and lets none go; none and all are exact."""
    now = 0.0
    follower = Canary(model / "models.config", 0, Metrics("dog_breed"), clock=lambda: now)
    assert (follower.percent, follower.stable) == (0, LATEST)
    taken: list[set[str]] = []
    for percent in (0, 5, 25, 100):
        serve_canary(model, 2, percent)
        now += canary.LOOK_SECONDS
        assert (follower.percent, follower.stable) == (percent, Target("stable", 1))
        taken.append({caller for caller in CALLERS if follower.is_for(caller)})
    assert taken[0] == set()
    assert taken[0] <= taken[1] <= taken[2] <= taken[3] == set(CALLERS)
    assert 0 < len(taken[2]) < len(CALLERS) / 2


def test_file_without_a_share_leaves_it_to_the_setting(model: Path) -> None:
    """`dog-breed canary` without a share labels the version, and the setting says how many it answers."""
    serve_canary(model, 2)
    assert Canary(model / "models.config", 12.5, Metrics("dog_breed")).percent == 12.5
    promote(model, 2)
    follow_live(model)
    assert Canary(model / "models.config", 12.5, Metrics("dog_breed")).percent == 0


def test_file_that_cannot_be_read_changes_nothing(model: Path) -> None:
    """While the volume fails, what was known still holds."""
    now = 0.0
    file = serve_canary(model, 2, 40)
    follower = Canary(file, 0, Metrics("dog_breed"), clock=lambda: now)
    assert follower.percent == 40
    file.unlink()
    file.mkdir()
    now += canary.LOOK_SECONDS
    assert (follower.percent, follower.stable) == (40, Target("stable", 1))
