"""Versions come, fail and go, and no request notices."""

from __future__ import annotations

import shutil
import threading
import time

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, predict_pb2

from local_server.config.models import ModelConfig
from local_server.errors import DeadlineExceededError
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from local_server.lifecycle.loader import Loader, Workers
from local_server.lifecycle.served_model import ServedModel

TIMEOUT = 60


def test_replace_version_finishes_requests_of_the_old(models, run_server, eventually, gate, tmp_path):
    """A request in flight ends on the version it began on, while new ones go to the new version."""
    base_path = tmp_path / "gadgets"
    models.install(base_path, 1)
    client = run_server(base_path)
    answers = []
    in_flight = threading.Thread(target=lambda: answers.append(client.predict("content_of", file=str(gate.path))))
    in_flight.start()
    eventually(gate.has_request)

    models.install(base_path, 2, bias=3.0)
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "UNLOADING"})
    response = client.predict(x=[0.0])
    assert (response.model_spec.version.value, response.outputs["y"].float_val[0]) == (2, 3.0)
    with pytest.raises(grpc.RpcError, match=r"Specific\(gadgets, 1\)"):
        client.predict(x=[0.0], version=1)

    gate.open("done")
    in_flight.join()
    assert (answers[0].model_spec.version.value, list(answers[0].outputs["content"].string_val)) == (1, [b"done"])
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})


def test_replace_version_under_load_fails_no_request(models, run_server, eventually, tmp_path):
    """Clients that keep asking through a change of versions get the old answer or the new one, named right."""
    models.install(tmp_path, 1)
    client = run_server(tmp_path)
    stop, answers, failures = threading.Event(), set(), []

    def keep_asking() -> None:
        while not stop.is_set():
            try:
                response = client.predict(x=[0.0])
            except grpc.RpcError as error:
                failures.append(error)
            else:
                answers.add((response.model_spec.version.value, response.outputs["y"].float_val[0]))

    clients = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in clients:
        thread.start()
    models.install(tmp_path, 2, bias=3.0)
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"} and (2, 3.0) in answers)
    stop.set()
    for thread in clients:
        thread.join()
    assert failures == []
    assert answers == {(1, 2.0), (2, 3.0)}


def halve(file):
    """Leave the first half of a file, as a copy that was broken off does."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda version: shutil.rmtree(version / "variables"), "variables"),
        (lambda version: (version / "saved_model.pb").unlink(), "Could not find SavedModel"),
        (lambda version: halve(version / "saved_model.pb"), "Cannot parse file"),
        (lambda version: halve(next(version.glob("variables/*.data*"))), "Read less bytes than requested"),
        (lambda version: halve(version / "variables" / "variables.index"), "not an sstable"),
    ],
)
def test_replace_version_by_a_broken_one_keeps_the_old(models, run_server, eventually, tmp_path, damage, reason):
    """A version that cannot be loaded is reported with its error; the old one goes on, and a later one is taken."""
    models.install(tmp_path, 1)
    client = run_server(tmp_path)
    broken = shutil.copytree(tmp_path / "1", tmp_path / ".2")
    damage(broken)
    broken.rename(tmp_path / "2")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "gadgets", "version": {"value": 2}})
    (status,) = client.models.GetModelStatus(request, timeout=TIMEOUT).model_version_status
    assert status.status.error_code != 0
    assert reason in status.status.error_message
    assert client.predict(x=[0.0]).model_spec.version.value == 1

    models.install(tmp_path, 3, bias=3.0)
    eventually(lambda: client.states() == {3: "AVAILABLE", 2: "END", 1: "END"})


def test_load_half_copied_version_is_tried_again(models, run_server, eventually, tmp_path):
    """A version whose files are still being copied is loaded once they are there."""
    models.install(tmp_path, 1)
    client = run_server(tmp_path, max_num_load_retries=1_000_000, load_retry_interval_micros=10_000)
    (tmp_path / "2").mkdir()
    eventually(lambda: client.states() == {2: "LOADING", 1: "AVAILABLE"})
    shutil.copytree(tmp_path / "1", tmp_path / "2", dirs_exist_ok=True)
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})


def test_load_slowly_copied_version_ends_well_without_retries(models, run_server, eventually, tmp_path):
    """A version that is copied in file by file becomes available when it is whole, even if no load is tried again."""
    whole = models.install(tmp_path, 1)
    client = run_server(tmp_path, max_num_load_retries=0)
    slow = tmp_path / "2"
    slow.mkdir()
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    for file in sorted((file for file in whole.rglob("*") if file.is_file()), reverse=True):
        copy = slow / file.relative_to(whole)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(file, copy)
        time.sleep(0.4)
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})


def test_start_while_model_is_copied_in_waits_for_it(models, run_server, tmp_path):
    """A server that starts while its model is still being copied serves it once it is whole."""
    whole, slow = models.install(tmp_path / "whole", 1), tmp_path / "slow" / "1"
    slow.mkdir(parents=True)

    def copy() -> None:
        time.sleep(0.5)
        shutil.copytree(whole, slow, dirs_exist_ok=True)

    copying = threading.Thread(target=copy)
    copying.start()
    client = run_server(tmp_path / "slow", max_num_load_retries=0)
    copying.join()
    assert client.predict(x=[0.0]).model_spec.version.value == 1


def test_remove_latest_version_goes_back_to_the_one_before(models, run_server, eventually, tmp_path):
    """The next older version is loaded before the latest, whose folder went, is unloaded."""
    models.install(tmp_path, 1)
    models.install(tmp_path, 2, bias=3.0)
    client = run_server(tmp_path)
    assert client.states() == {2: "AVAILABLE"}
    shutil.rmtree(tmp_path / "2")
    eventually(lambda: client.states() == {2: "END", 1: "AVAILABLE"})
    assert client.predict(x=[0.0]).outputs["y"].float_val[0] == 2.0


def test_find_versions_reads_folder_names_as_numbers(models, run_server, tmp_path):
    """00000123 is version 123; what is no number is no version."""
    models.install(tmp_path, "00000123")
    models.install(tmp_path, "124.tmp")
    (tmp_path / "125").touch()
    assert run_server(tmp_path).states() == {123: "AVAILABLE"}


def test_predict_past_deadline_lets_go_of_the_version(models, run_server, eventually, gate, tmp_path):
    """The client's deadline is the session's timeout: the graph stops, so that the version can be unloaded."""
    base_path = tmp_path / "gadgets"
    models.install(base_path, 1)
    client = run_server(base_path)
    request = predict_pb2.PredictRequest(model_spec={"name": "gadgets", "signature_name": "content_of"})
    request.inputs["file"].CopyFrom(tf.make_tensor_proto(str(gate.path)))
    with pytest.raises(grpc.RpcError) as error:
        client.predictions.Predict(request, timeout=0.5)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    models.install(base_path, 2)
    eventually(lambda: client.states() == {2: "AVAILABLE", 1: "END"})


@pytest.fixture
def model():
    """A model that the test itself keeps in step, and the paths that were loaded for it."""
    paths = []

    def load(path):
        paths.append(path)
        return SavedModelServable.load(path, SessionSettings())

    loader = Loader(load, Workers("load", 1), Workers("unload", None), 0, 0, settle_seconds=0)
    model = ServedModel("gadgets", loader, lambda: None)
    yield model, loader, paths
    model.configure(None)
    model.reconcile()
    model.wait_for_end(TIMEOUT)


def test_wait_for_repaired_model_forgets_its_old_error(models, model, tmp_path):
    """A model that failed, was given up and is configured again has not failed before it is loaded again."""
    gadgets, _, _ = model
    hidden = models.install(tmp_path, 1).rename(tmp_path / ".1")
    (tmp_path / "1").mkdir()
    config = ModelConfig("gadgets", tmp_path)
    gadgets.configure(config)
    gadgets.look()
    gadgets.reconcile()
    assert [failed.number for failed in gadgets.wait(None)] == [1]

    gadgets.configure(None)
    (tmp_path / "1").rmdir()
    hidden.rename(tmp_path / "1")
    gadgets.configure(config)
    gadgets.look()
    with pytest.raises(DeadlineExceededError):
        gadgets.wait(time.monotonic())
    gadgets.reconcile()
    assert gadgets.wait(None) == []


def test_load_no_longer_wanted_is_not_begun(models, model, eventually, tmp_path):
    """A version that is given up while it waits for a thread is not loaded."""
    gadgets, loader, paths = model
    models.install(tmp_path, 1)
    occupied, free = threading.Event(), threading.Event()

    def occupy() -> None:
        occupied.set()
        free.wait(TIMEOUT)

    loader.load_workers.submit(occupy)
    occupied.wait(TIMEOUT)
    gadgets.configure(ModelConfig("gadgets", tmp_path))
    gadgets.look()
    gadgets.reconcile()
    gadgets.configure(None)
    free.set()
    gadgets.wait_for_end(TIMEOUT)
    assert [status.state.name for status in gadgets.versions.status(None)] == ["END"]
    assert paths == []
