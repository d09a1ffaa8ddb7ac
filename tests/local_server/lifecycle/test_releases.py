"""A server follows promotions and labels, and no request notices but by its answer."""

from __future__ import annotations

import threading
from typing import Any

import grpc

from model_serving.releases.labels import follow_live, serve_canary
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


def test_serve_canary_answers_by_label_and_promotion_moves_stable(models, run_server, eventually, tmp_path):
    """A server of the file answers `stable` and `canary` by their versions, and follows a promotion under load."""
    folder = tmp_path / "gadgets"
    folder.mkdir()
    models.install(folder, 1)
    models.install(folder / ".shelf", 2, bias=3.0)
    client = run_server(
        "",
        model_name="default",
        model_config_file=str(serve_canary(folder, 2)),
        model_config_file_poll_wait_seconds=1,
        allow_version_labels_for_unavailable_models=True,
    )
    assert list(client.predict(x=[0.0], label="canary").outputs["y"].float_val) == [3.0]
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "AVAILABLE"})
    with Asker(client, "stable") as asker:
        eventually(lambda: asker.versions)
        assert asker.versions[-1] == 1
        promote(folder, 2)
        follow_live(folder)
        eventually(lambda: asker.versions[-1] == 2)
    assert asker.failures == []
