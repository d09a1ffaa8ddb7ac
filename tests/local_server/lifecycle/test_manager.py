"""Several models, their versions and labels, changed while the server runs."""

from __future__ import annotations

import shutil
import threading

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2, model_pb2, prediction_log_pb2

from local_server.config.models import ModelConfig, VersionPolicy
from local_server.errors import Code, DeadlineExceededError, StatusError
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from local_server.lifecycle.loader import Loader, Workers
from local_server.lifecycle.manager import ModelManager
from local_server.lifecycle.served_model import ServedModel
from local_server.lifecycle.versions import Versions

TIMEOUT = 60


def entry(name, base_path, more=""):
    """Return the text of one model in a list."""
    return f'config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow" {more} }}'


def write(file, *entries):
    """Write a model configuration file in one step."""
    draft = file.with_suffix(".draft")
    draft.write_text(f"model_config_list {{ {' '.join(entries)} }}")
    draft.rename(file)
    return str(file)


def reload(client, *entries, timeout=TIMEOUT):
    """Ask for these models instead of those served."""
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(f"config {{ model_config_list {{ {' '.join(entries)} }} }}", request)
    return client.models.HandleReloadConfigRequest(request, timeout=timeout)


def versions(*numbers):
    """Return the text of a policy for these versions."""
    return f"model_version_policy {{ specific {{ {' '.join(f'versions: {number}' for number in numbers)} }} }}"


def label(name, number):
    """Return the text of a label."""
    return f'version_labels {{ key: "{name}" value: {number} }}'


@pytest.fixture
def folders(models, tmp_path):
    """Two models: `two`, biases 2 and 3 in versions 1 and 2, and `three`, bias 3 in version 7."""
    models.install(tmp_path / "two", 1, 2.0)
    models.install(tmp_path / "two", 2, 3.0)
    models.install(tmp_path / "three", 7, 3.0)
    return tmp_path


def answer(client, model, **options):
    """Return the version that answers, and its bias."""
    response = client.predict(model=model, x=[0.0], **options)
    return response.model_spec.version.value, response.outputs["y"].float_val[0]


@pytest.fixture
def run_manager():
    """Start managers without a server, that stop with the test: `run_manager(config, ..., loaders=...)`."""
    managers = []

    def run(*configs, loaders=None):
        def load(path):
            return SavedModelServable.load(path, SessionSettings())

        loader = Loader(load, loaders or Workers("load", 1), Workers("unload", None), 0, 0)
        managers.append(ModelManager(loader, poll_seconds=0.01))
        managers[-1].start(configs)
        return managers[-1]

    yield run
    for manager in managers:
        manager.stop(TIMEOUT)


def labelled(base_path, number):
    """Return a model that serves this version only, with the label `stable`, and all versions for number 0."""
    if not number:
        return ModelConfig("two", base_path, VersionPolicy(latest=2))
    return ModelConfig("two", base_path, VersionPolicy(specific=frozenset([number])), {"stable": number})


def error_of(call):
    """Return code and message of a call that must fail."""
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code().name, error.value.details()


def test_serve_config_file_serves_each_model_by_its_policy(folders, run_server):
    """Models of a file are served side by side, with the versions that their policies choose."""
    entries = [entry("two", folders / "two", "model_version_policy { all {} }"), entry("three", folders / "three")]
    client = run_server(folders, model_config_file=write(folders / "models.txt", *entries))
    assert client.states("two") == {2: "AVAILABLE", 1: "AVAILABLE"}
    assert (answer(client, "two"), answer(client, "two", version=1)) == ((2, 3.0), (1, 2.0))
    assert answer(client, "three") == (7, 3.0)
    assert error_of(lambda: answer(client, "gadgets")) == (
        "NOT_FOUND",
        "Servable not found for request: Latest(gadgets)",
    )


def test_reload_adds_changes_and_removes_models(folders, run_server, eventually):
    """New models serve when the call returns; changed ones follow; removed ones go and are remembered."""
    client = run_server(folders, model_config_file=write(folders / "models.txt", entry("two", folders / "two")))
    response = reload(client, entry("two", folders / "two", versions(1)), entry("three", folders / "three"))
    assert response.status.error_code == 0
    assert answer(client, "three") == (7, 3.0)
    eventually(lambda: client.states("two") == {2: "END", 1: "AVAILABLE"})
    assert answer(client, "two") == (1, 2.0)

    reload(client, entry("three", folders / "three"))
    eventually(lambda: client.states("two") == {2: "END", 1: "END"})
    assert error_of(lambda: answer(client, "two"))[0] == "NOT_FOUND"
    assert answer(client, "three") == (7, 3.0)

    reload(client, entry("two", folders / "two"), entry("three", folders / "three"))
    assert answer(client, "two") == (2, 3.0)


def test_reload_without_polling_looks_once(models, run_server, eventually, folders):
    """With --file_system_poll_wait_seconds=0 versions are looked for when models are configured, and only then."""
    client = run_server(folders / "two", model_name="two", file_system_poll_wait_seconds=0)
    models.install(folders / "two", 3)
    reload(client, entry("two", folders / "two"), entry("three", folders / "three"))
    eventually(lambda: client.states("two") == {3: "AVAILABLE", 2: "END"})
    models.install(folders / "two", 4)
    reload(client, entry("two", folders / "two"))
    eventually(lambda: client.states("two") == {4: "AVAILABLE", 3: "END", 2: "END"})


def test_reload_that_fails_leaves_all_as_it_was(folders, run_server):
    """If a new model cannot be loaded the call says why, and neither changed nor removed models have changed."""
    shutil.copytree(folders / "three" / "7", folders / "broken" / "1")
    (folders / "broken" / "1" / "saved_model.pb").unlink()
    client = run_server(folders / "two", model_name="two")
    code, message = error_of(lambda: reload(client, entry("broken", folders / "broken")))
    assert code == "UNKNOWN"
    assert message.startswith(
        "1 model(s) did not become available: {{{name: broken version: 1} due to error: NOT_FOUND"
    )
    assert client.states("two") == {2: "AVAILABLE"}
    assert answer(client, "two") == (2, 3.0)
    assert error_of(lambda: answer(client, "broken"))[0] == "NOT_FOUND"


def test_reload_past_deadline_does_not_block_the_next(folders, run_server):
    """A model that has no version yet is given up at the client's deadline, and the next call is served."""
    client = run_server(folders / "two", model_name="two")
    wait_for_ever = entry("none", folders / "none")
    assert error_of(lambda: reload(client, wait_for_ever, timeout=0.3))[0] == "DEADLINE_EXCEEDED"
    reload(client, entry("two", folders / "two"), entry("three", folders / "three"))
    assert (answer(client, "two"), answer(client, "three")) == ((2, 3.0), (7, 3.0))


def test_reload_without_deadline_blocks_neither_others_nor_predictions(models, folders, run_server, eventually, caplog):
    """While one call waits for a model, others give up at their deadlines and give their threads back."""
    client = run_server(folders / "two", model_name="two", grpc_max_threads=3)
    none = entry("none", folders / "none")
    waiting = threading.Thread(target=lambda: reload(client, entry("two", folders / "two"), none, timeout=None))
    waiting.start()
    eventually(lambda: "Servable none: Could not find base path" in caplog.text)
    for _ in range(3):
        assert error_of(lambda: reload(client, none, timeout=0.2))[0] == "DEADLINE_EXCEEDED"
    assert answer(client, "two") == (2, 3.0)
    models.install(folders / "none", 1)
    waiting.join()
    assert answer(client, "none") == (1, 2.0)


def test_reload_during_another_says_so(models, folders, run_manager, eventually, caplog):
    """A caller that cannot wait for the change under way gets an error that says so."""
    two, none = ModelConfig("two", folders / "two"), ModelConfig("none", folders / "none")
    manager = run_manager(two)
    waiting = threading.Thread(target=lambda: manager.reload([two, none]))
    waiting.start()
    eventually(lambda: "Servable none: Could not find base path" in caplog.text)
    with pytest.raises(DeadlineExceededError, match="Another change of the configuration is under way"):
        manager.reload([two], 0)
    models.install(folders / "none", 1)
    waiting.join()


def test_reload_with_impossible_base_path_leaves_the_rest_working(folders, run_server):
    """A path that no file can have is given up like one that is not there, and the next call is served."""
    client = run_server(folders / "two", model_name="two")
    impossible = entry("none", "/a\\000b")
    assert error_of(lambda: reload(client, impossible, timeout=0.3))[0] == "DEADLINE_EXCEEDED"
    reload(client, entry("two", folders / "two"), entry("three", folders / "three"))
    assert (answer(client, "two"), answer(client, "three")) == ((2, 3.0), (7, 3.0))


def test_keep_in_step_goes_on_after_an_error(folders, run_manager, caplog):
    """A load for which the system has no thread left is logged, and begins as soon as there is one."""

    class Exhausted(Workers):
        refusals = 1

        def submit(self, task):
            if self.refusals:
                self.refusals -= 1
                raise RuntimeError("can't start new thread")
            super().submit(task)

    manager = run_manager(ModelConfig("two", folders / "two"), loaders=Exhausted("load", 1))
    assert "can't start new thread" in caplog.text
    with manager.acquire(model_pb2.ModelSpec(name="two")) as (number, _):
        assert number == 2


def test_label_names_a_version_that_serves(folders, run_server, eventually):
    """A label stands for its version in both protocols; moving it is a change of configuration."""
    both = versions(1, 2)
    client = run_server(folders, model_config_file=write(folders / "models.txt", entry("two", folders / "two", both)))
    eventually(lambda: client.states("two") == {2: "AVAILABLE", 1: "AVAILABLE"})
    labels = label("stable", 1) + label("canary", 2)
    reload(client, entry("two", folders / "two", both + labels))
    assert (answer(client, "two", label="stable"), answer(client, "two", label="canary")) == ((1, 2.0), (2, 3.0))
    assert client.post({"instances": [0.0]}, "/v1/models/two/labels/canary:predict").json() == {"predictions": [3.0]}
    assert client.get("/v1/models/two/labels/stable/metadata").json()["model_spec"]["version"] == "1"

    reload(client, entry("two", folders / "two", both + label("stable", 2)))
    assert answer(client, "two", label="stable") == (2, 3.0)
    unknown = "Unrecognized servable version label: canary"
    assert error_of(lambda: answer(client, "two", label="canary")) == ("INVALID_ARGUMENT", unknown)


def test_label_moves_before_its_old_version_goes(folders, run_manager, eventually, monkeypatch):
    """While a label moves, it always names a version that serves."""
    manager = run_manager(labelled(folders / "two", 0))
    spec, answers = model_pb2.ModelSpec(name="two", version_label="stable"), []
    eventually(lambda: [status.state.name for status in manager.status(spec)] == ["AVAILABLE"] * 2)
    both = labelled(folders / "two", 0)
    manager.reload([ModelConfig(both.name, both.base_path, both.policy, {"stable": 1})])
    configure = ServedModel.configure

    def ask_late(model, config):
        configure(model, config)
        eventually(lambda: [status.state.name for status in manager.status(spec)] == ["AVAILABLE", "END"])
        with manager.acquire(spec) as (number, _):
            answers.append(number)

    with monkeypatch.context() as patch:
        patch.setattr(ServedModel, "configure", ask_late)
        manager.reload([labelled(folders / "two", 2)])
    assert answers == [2]


def test_label_that_moves_during_a_request_is_read_again(folders, run_manager, eventually, monkeypatch):
    """A request that read the label just before it moved is answered by the version it names now."""
    manager = run_manager(labelled(folders / "two", 0))
    spec = model_pb2.ModelSpec(name="two", version_label="stable")
    eventually(lambda: [status.state.name for status in manager.status(spec)] == ["AVAILABLE"] * 2)
    both = labelled(folders / "two", 0)
    manager.reload([ModelConfig(both.name, both.base_path, both.policy, {"stable": 1})])
    hold = Versions.hold

    def hold_late(versions, number):
        monkeypatch.setattr(Versions, "hold", hold)
        manager.reload([labelled(folders / "two", 2)])
        eventually(lambda: [status.state.name for status in manager.status(spec)] == ["AVAILABLE", "END"])
        return hold(versions, number)

    monkeypatch.setattr(Versions, "hold", hold_late)
    with manager.acquire(spec) as (number, _):
        assert number == 2


def test_label_for_version_that_does_not_serve_is_refused(folders, run_server):
    """A label cannot be moved to a version that is not available, and the old labels stay."""
    client = run_server(folders / "two", model_name="two")
    reload(client, entry("two", folders / "two", label("stable", 2)))
    refused = entry("two", folders / "two", label("stable", 9))
    assert error_of(lambda: reload(client, refused)) == (
        "FAILED_PRECONDITION",
        "Request to assign label to version 9 of model two, which is not currently available for inference",
    )
    assert answer(client, "two", label="stable") == (2, 3.0)


def test_label_at_the_start_needs_the_flag(folders, run_server):
    """No version is available yet when the first configuration is read."""
    file = write(folders / "models.txt", entry("two", folders / "two", label("stable", 2)))
    with pytest.raises(StatusError, match="Request to assign label to version 2 of model two") as error:
        run_server(folders, model_config_file=file)
    assert error.value.code is Code.FAILED_PRECONDITION


def test_new_label_for_unavailable_version_is_allowed_by_flag(folders, run_server):
    """With the flag a new label may come with its version, at the start too; an old one still cannot move ahead."""
    file = write(folders / "models.txt", entry("two", folders / "two", label("stable", 2)))
    client = run_server(folders, model_config_file=file, allow_version_labels_for_unavailable_models=True)
    assert answer(client, "two", label="stable") == (2, 3.0)
    moved = entry("two", folders / "two", label("stable", 9))
    assert error_of(lambda: reload(client, moved))[0] == "FAILED_PRECONDITION"


def test_change_of_config_file_is_followed(folders, run_server, eventually, caplog):
    """With --model_config_file_poll_wait_seconds a changed file is applied; a wrong one is told and changes nothing."""
    file = folders / "models.txt"
    client = run_server(
        folders,
        model_config_file=write(file, entry("two", folders / "two")),
        model_config_file_poll_wait_seconds=0.05,
    )
    write(file, "nonsense")
    eventually(lambda: "Failed to reload the model config" in caplog.text)
    assert answer(client, "two") == (2, 3.0)
    write(file, entry("three", folders / "three"))
    eventually(lambda: client.states("two") == {2: "END"})
    assert answer(client, "three") == (7, 3.0)


def test_load_threads_load_models_side_by_side(folders, run_server, gate, eventually, models):
    """With --num_load_threads a model that takes long to load does not keep others from being loaded."""
    assets = models.install(folders / "slow", 1) / "assets.extra"
    assets.mkdir()
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "content_of"
    log.predict_log.request.inputs["file"].CopyFrom(tf.make_tensor_proto(str(gate.path)))
    with tf.io.TFRecordWriter(str(assets / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
    client = run_server(folders / "two", model_name="two", num_load_threads=2)
    slow, three = entry("slow", folders / "slow"), entry("three", folders / "three")
    reloading = threading.Thread(target=lambda: reload(client, entry("two", folders / "two"), slow, three))
    reloading.start()
    eventually(gate.has_request)
    eventually(lambda: client.states("three") == {7: "AVAILABLE"})
    assert client.states("slow") == {1: "LOADING"}
    gate.open("done")
    reloading.join()
    assert client.states("slow") == {1: "AVAILABLE"}
