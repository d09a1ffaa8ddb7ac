"""Versions are loaded as the flags say."""

from __future__ import annotations

import pytest
from tensorflow.core.protobuf import rewriter_config_pb2

from local_server.errors import StatusError
from local_server.flags import Options
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
