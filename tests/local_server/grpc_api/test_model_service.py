"""ModelService refuses what TensorFlow Serving refuses, and reads of a ModelSpec what it reads."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2

TIMEOUT = 60

ONLY_LISTS = (
    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", ONLY_LISTS),
        ("custom_model_config {}", ONLY_LISTS),
        (
            'model_config_list { config { name: "a" base_path: "/a" model_platform: "x" } }',
            "Model a requests unsupported platform x",
        ),
        (
            'model_config_list { config { name: "a" base_path: "a" model_platform: "tensorflow" } }',
            "Expected model a to have an absolute path or URI; got base_path()=a",
        ),
    ],
)
def test_reload_what_cannot_be_served_is_refused(client, config, message):
    """Only lists of TensorFlow models can be asked for, and those served go on."""
    request = text_format.Parse(f"config {{ {config} }}", model_management_pb2.ReloadConfigRequest())
    with pytest.raises(grpc.RpcError) as error:
        client.models.HandleReloadConfigRequest(request, timeout=TIMEOUT)
    assert (error.value.code().name, error.value.details()) == ("INVALID_ARGUMENT", message)
    assert client.states() == {1: "AVAILABLE"}


def test_status_with_label_tells_all_versions(client):
    """GetModelStatus knows versions by number only; a label, even an unknown one, means all of them."""
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "gadgets", "version_label": "x"})
    assert [each.version for each in client.models.GetModelStatus(request, timeout=TIMEOUT).model_version_status] == [1]


def test_reload_tells_growth_of_the_counters_asked_for(models, run_server, tmp_path):
    """The reply says by how much each counter in `metric_names` has grown meanwhile; unknown ones have not."""
    first, second = models.install(tmp_path / "one").parent, models.install(tmp_path / "two").parent
    client = run_server(first)
    names = ["/tensorflow/serving/no_such_count", "/tensorflow/cc/saved_model/load_attempt_count"]
    request = model_management_pb2.ReloadConfigRequest(metric_names=[*names, names[0]])
    for name, folder in (("gadgets", first), ("two", second)):
        request.config.model_config_list.config.add(name=name, base_path=str(folder), model_platform="tensorflow")
    response = client.models.HandleReloadConfigRequest(request, timeout=TIMEOUT)
    assert response.status.error_code == 0
    assert [metric.name for metric in response.metric] == sorted(names)
    assert response.metric[1].int64_value_increase == 0
    assert response.metric[0].int64_value_increase in (0, 1)  # of its first series alone, as in TensorFlow Serving
