"""A servable stays bounded whatever clients ask of it."""

from __future__ import annotations

import numpy as np
import pytest
from tensorflow.core.protobuf import saved_model_pb2

from local_server.errors import StatusError
from local_server.inference import saved_model as module
from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings


def test_run_many_fetch_sets_prepares_no_more_than_the_limit(models, monkeypatch):
    """Past the limit of prepared sets of outputs, answers are the same and no further set is prepared."""
    monkeypatch.setattr(module, "MAX_FETCH_SETS", 1)
    servable = SavedModelServable.load(models.saved[2.0], SessionSettings())
    inputs = {"a": np.float32([3]), "b": np.float32([1])}
    assert predict(servable, "two", inputs, ["total"])["total"].tolist() == [4.0]
    assert {name: array.tolist() for name, array in predict(servable, "two", inputs, ["difference"]).items()} == {
        "difference": [2.0]
    }
    assert len(servable._fetch_sets) == 1
    servable.close()


def test_load_unknown_tags_is_refused(models):
    """A SavedModel without the MetaGraph asked for does not load."""
    with pytest.raises(RuntimeError, match="gpu"):
        SavedModelServable.load(models.saved[2.0], SessionSettings(tags=("gpu",)))


def test_server_loads_the_meta_graph_of_its_tags(run_server, models, tmp_path):
    """--saved_model_tags choose the MetaGraph, all of them together; without such a one the model does not load."""
    proto = models.install(tmp_path) / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(proto.read_bytes())
    saved_model.meta_graphs[0].meta_info_def.tags.append("gpu")
    proto.write_bytes(saved_model.SerializeToString())
    assert run_server(tmp_path, saved_model_tags="serve,gpu").states() == {1: "AVAILABLE"}
    with pytest.raises(StatusError, match="serve"):
        run_server(tmp_path)
