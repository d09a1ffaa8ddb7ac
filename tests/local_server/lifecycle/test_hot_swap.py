"""Versions change hundreds of times while clients keep asking, and no client notices but by the answers."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import httpx
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import model_management_pb2, prediction_log_pb2

v1 = tf.compat.v1

CHANGES = 200
TIMEOUT = 60


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A SavedModel of a variable and a constant: y = x + bias, and `version`."""
    folder = tmp_path_factory.mktemp("template") / "1"
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        y = tf.add(x, v1.get_variable("bias", initializer=0.0, use_resource=True), "y")
        version = tf.fill(tf.shape(x), v1.constant(0, tf.int64, name="number"), "version")
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y, "version": version})
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    return saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())


def install(template, base_path, number):
    """Put a version whose variable and constant are its number in place, in one rename.

    It has a warm-up request; only odd versions have their requests batched.
    """
    for node in template.meta_graphs[0].graph_def.node:
        if node.name == "number":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(number, tf.int64))
    hidden = base_path / f".{number}"
    for folder in ("variables", "assets.extra"):
        (hidden / folder).mkdir(parents=True)
    (hidden / "saved_model.pb").write_bytes(template.SerializeToString())
    tf.raw_ops.SaveV2(
        prefix=str(hidden / "variables" / "variables"),
        tensor_names=["bias"],
        shape_and_slices=[""],
        tensors=[tf.constant(number, tf.float32)],
    )
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto([0.0]))
    with tf.io.TFRecordWriter(str(hidden / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
    if number % 2:
        (hidden / "batching_params.pbtxt").touch()
    hidden.rename(base_path / str(number))


def resident_mib(process):
    """Return the memory that a process takes."""
    (line,) = [line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmRSS" in line]
    return int(line.split()[1]) / 1024


class Clients:
    """Threads that ask without a pause, and check that each reply is of one version only."""

    def __init__(self, client) -> None:
        self.seen = [0, 0, 0]  # the version that answered each thread last
        self.replies = 0
        self.wrong: list[object] = []
        self._client = client
        self._http = httpx.Client(base_url=client.rest_url, timeout=TIMEOUT)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number, ask))
            for number, ask in enumerate((self._grpc, self._grpc, self._rest))
        ]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number, ask) -> None:
        while not self._stop.is_set():
            try:
                versions, reply = ask()
                if len(versions) != 1:
                    self.wrong.append(reply)
                self.seen[number] = int(versions.pop())
            except Exception as error:
                self.wrong.append(error)
            self.replies += 1

    def _grpc(self) -> tuple[set[float], object]:
        response = self._client.predict(x=[0.0, 0.0])
        named = response.model_spec.version.value
        return {named, *response.outputs["y"].float_val, *response.outputs["version"].int64_val}, response

    def _rest(self) -> tuple[set[float], object]:
        response = self._http.post("/v1/models/gadgets:predict", json={"instances": [0.0, 0.0]})
        rows = response.json()["predictions"]
        return {value for row in rows for value in (row["y"], row["version"])}, response.text


def test_swap_versions_two_hundred_times_fails_no_request(template, started, connect, eventually, free_ports, tmp_path):
    """Newer versions come and the latest goes, 200 times: every request is answered, by one version, named right."""
    install(template, tmp_path, 1)
    grpc_port, rest_port = free_ports(2)
    # It looks for versions whenever it is told what to serve, so that the test need not wait for it to look.
    look = model_management_pb2.ReloadConfigRequest()
    look.config.model_config_list.config.add(name="gadgets", base_path=str(tmp_path), model_platform="tensorflow")
    flags = ["--model_name=gadgets", f"--model_base_path={tmp_path}", "--file_system_poll_wait_seconds=0"]
    flags += ["--enable_batching", "--enable_per_model_batching_parameters"]
    with started(f"--port={grpc_port}", f"--rest_api_port={rest_port}", *flags) as server:
        client = connect(f"127.0.0.1:{grpc_port}", f"http://127.0.0.1:{rest_port}")
        assert any("Exporting HTTP/REST API" in line for line in server.stderr)
        drain = threading.Thread(target=server.stderr.read)
        drain.start()
        latest, changes, early_mib, late_mib = 1, 0, 0.0, 0.0
        with Clients(client) as clients:
            while changes < CHANGES and not clients.wrong:
                if changes % 3 == 2:
                    shutil.rmtree(tmp_path / str(latest))
                    latest -= 1
                else:
                    latest += 1
                    shutil.rmtree(tmp_path / str(latest - 2), ignore_errors=True)
                    install(template, tmp_path, latest)
                client.models.HandleReloadConfigRequest(look, timeout=TIMEOUT)
                eventually(lambda: clients.wrong or set(clients.seen) == {latest})  # noqa: B023
                changes += 1
                late_mib = resident_mib(server)
                early_mib = late_mib if changes == CHANGES // 10 else early_mib
        server.kill()
        drain.join()
    print(f"{changes} changes of version, {clients.replies} replies, {len(clients.wrong)} wrong")
    print(f"{early_mib:.0f} MiB after a tenth of the changes, {late_mib:.0f} MiB after all")
    assert clients.wrong == []
    assert changes == CHANGES
    assert late_mib < early_mib + 50
