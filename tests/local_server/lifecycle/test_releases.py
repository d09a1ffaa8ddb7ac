"""A server follows promotions and labels, and no request notices but by its answer."""

from __future__ import annotations

import threading
from typing import Any

import grpc
import pytest

from model_serving.releases.labels import drop_unlabelled, follow_live, serve_canary
from model_serving.releases.shelf import promote, rollback


class Asker(threading.Thread):
    """Asks without a pause until it is stopped; keeps the versions that answered and what failed."""

    def __init__(self, client: Any, label: str = "") -> None:
        super().__init__()
        self.client, self.label = client, label
        self.versions: list[int] = []
        self.failures: list[grpc.RpcError] = []
        self._stopped = threading.Event()

    def __enter__(self) -> Asker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.versions.append(self.client.predict(x=[0.0], label=self.label).model_spec.version.value)
            except grpc.RpcError as error:
                self.failures.append(error)


def test_promote_and_rollback_under_load_fail_no_request(models, run_server, eventually, tmp_path):
    """The server that watches the folder answers with the promoted version, and after a rollback with the old one."""
    models.install(tmp_path, 1)
    models.install(tmp_path / ".shelf", 2, bias=3.0)
    with Asker(run_server(tmp_path)) as asker:
        eventually(lambda: asker.versions)
        promote(tmp_path, 2)
        eventually(lambda: asker.versions[-1] == 2)
        assert rollback(tmp_path) == 1
        eventually(lambda: asker.versions[-1] == 1)
    assert asker.failures == []


@pytest.fixture
def folder(models, tmp_path):
    """Version 1 live, 2 and 3 on the shelf."""
    folder = tmp_path / "gadgets"
    folder.mkdir()
    models.install(folder, 1)
    for version in (2, 3):
        models.install(folder / ".shelf", version, bias=3.0)
    return folder


@pytest.fixture
def labelled_client(folder, run_server, eventually):
    """A client of a server of the file in which version 2 is the canary."""
    client = run_server(
        "",
        model_name="default",
        model_config_file=str(serve_canary(folder, 2)),
        model_config_file_poll_wait_seconds=1,
        allow_version_labels_for_unavailable_models=True,
    )
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "AVAILABLE"})
    return client


def test_serve_canary_answers_by_label_and_promotion_moves_stable(folder, labelled_client, eventually):
    """A server of the file answers `stable` and `canary` by their versions, and follows a promotion under load."""
    assert list(labelled_client.predict(x=[0.0], label="canary").outputs["y"].float_val) == [3.0]
    with Asker(labelled_client, "stable") as asker:
        eventually(lambda: asker.versions)
        assert asker.versions[-1] == 1
        promote(folder, 2)
        follow_live(folder)
        eventually(lambda: asker.versions[-1] == 2)
        assert labelled_client.states() == {2: "AVAILABLE", 1: "AVAILABLE"}  # nobody who still asks for 1 is refused
        drop_unlabelled(folder)
        eventually(lambda: labelled_client.states() == {2: "AVAILABLE", 1: "END"})
    assert asker.failures == []


def test_promotion_of_a_version_not_yet_served_loads_it_before_the_label_moves(folder, labelled_client, eventually):
    """The first promotion has the server load the version, the second moves the label, and no request fails."""
    with Asker(labelled_client, "stable") as asker:
        eventually(lambda: asker.versions)
        promote(folder, 3)
        follow_live(folder)
        eventually(lambda: labelled_client.states().get(3) == "AVAILABLE")
        assert set(asker.versions) == {1}
        follow_live(folder)
        eventually(lambda: asker.versions[-1] == 3)
    assert asker.failures == []
