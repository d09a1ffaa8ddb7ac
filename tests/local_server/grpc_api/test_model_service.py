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
