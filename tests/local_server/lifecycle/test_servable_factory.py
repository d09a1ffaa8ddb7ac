"""Versions are loaded as the flags say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import rewriter_config_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from local_server.errors import StatusError
from local_server.flags import Options
from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable
from local_server.lifecycle.servable_factory import ServableFactory


@pytest.fixture
def loaded_with(models, tmp_path, monkeypatch):
    """Return a function that loads a version with flags and returns the session's configuration."""
    version = models.install(tmp_path)
    settings = []
    load = SavedModelServable.load.__func__  # type: ignore[attr-defined]

    def noted(cls, path, wanted):
        settings.append(wanted)
        return load(cls, path, wanted)

    monkeypatch.setattr(SavedModelServable, "load", classmethod(noted))

    def load_version(**flags):
        ServableFactory(Options(**flags), None).load(version).close()
        return settings[-1].config

    return load_version


def test_load_takes_session_config_file_and_flags_over_it(loaded_with, tmp_path):
    """The file's ConfigProto is the session's, but for the threads that flags name."""
    file = tmp_path / "session.txt"
    file.write_text("intra_op_parallelism_threads: 3 inter_op_parallelism_threads: 4 allow_soft_placement: true")
    config = loaded_with(tensorflow_session_config_file=str(file), tensorflow_inter_op_parallelism=1)
    assert (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads) == (3, 1)
    assert config.allow_soft_placement
    assert loaded_with(tensorflow_session_parallelism=2).intra_op_parallelism_threads == 2


def test_load_wrong_session_config_file_is_refused(loaded_with, tmp_path):
    """A file that holds no ConfigProto is told."""
    file = tmp_path / "session.txt"
    file.write_text("threads: 3")
    with pytest.raises(StatusError, match="Invalid protobuf file"):
        loaded_with(tensorflow_session_config_file=str(file))


def test_load_mixed_precision_asks_for_the_rewrite(loaded_with):
    """--mixed_precision=bfloat16 switches on the rewrite of graphs that TensorFlow has for it."""
    rewriting = loaded_with(mixed_precision="bfloat16").graph_options.rewrite_options
    assert rewriting.auto_mixed_precision_onednn_bfloat16 == rewriter_config_pb2.RewriterConfig.ON
    assert loaded_with().graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 == 0


def install_two_graphs(folder, fast_runs):
    """Write a version that doubles: by a graph tagged `serve`, and by one `serve,fast` that says so, or cannot run."""
    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(folder))
    for tags in (["serve"], ["serve", "fast"]):
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None], "x")
            fast = "fast" in tags
            divisor = 1.0 if fast_runs or not fast else 0.0
            y = tf.debugging.check_numerics(2 * x / divisor, "no kernel for it")
            outputs = {"y": y, "is_fast": tf.fill(tf.shape(x), fast)}
            signature = v1.saved_model.predict_signature_def({"x": x}, outputs)
            if fast:
                builder.add_meta_graph(tags, {"serving_default": signature})
            else:
                builder.add_meta_graph_and_variables(session, tags, {"serving_default": signature})
    builder.save()
    request = predict_pb2.PredictRequest(model_spec={"signature_name": "serving_default"})
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    log = prediction_log_pb2.PredictionLog(predict_log={"request": request})
    (folder / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as records:
        records.write(log.SerializeToString())


@pytest.mark.parametrize(
    ("preferred", "runs", "is_fast"),
    [("serve,fast", True, True), ("serve,fast", False, False), ("serve,other", True, False), ("", True, False)],
)
def test_load_prefers_a_graph_that_the_version_has_and_that_runs(tmp_path, preferred, runs, is_fast):
    """The preferred graph answers if it is there and runs, and otherwise the one of --saved_model_tags."""
    version = tmp_path / "1"
    install_two_graphs(version, runs)
    servable = ServableFactory(Options(preferred_saved_model_tags=preferred), None).load(version)
    outputs = predict(servable, "serving_default", {"x": np.float32([3])})
    assert {name: value.tolist() for name, value in outputs.items()} == {"y": [6.0], "is_fast": [is_fast]}
    servable.close()


@pytest.mark.parametrize(("warms_up", "runs"), [(True, 3), (False, 3)])
def test_load_runs_a_preferred_graph_as_often_as_its_warm_up_says(tmp_path, monkeypatch, warms_up, runs):
    """The run that shows that the graph runs is its warm-up, which is not done once more."""
    run, calls = SavedModelServable.run, []

    def counted(*arguments):
        calls.append(arguments)
        return run(*arguments)

    monkeypatch.setattr(SavedModelServable, "run", counted)
    install_two_graphs(tmp_path / "1", True)
    options = Options(preferred_saved_model_tags="serve,fast", enable_model_warmup=warms_up)
    options = replace(options, num_request_iterations_for_warmup=3)
    ServableFactory(options, None).load(tmp_path / "1").close()
    assert len(calls) == runs
