"""The list of models to serve is checked as TensorFlow Serving checks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from local_server.config import models
from local_server.config.models import VersionPolicy
from local_server.errors import StatusError


def parse(*configs: str):
    """Parse a list of models given in text format."""
    text = "model_config_list {" + "".join(f"config {{ {config} }}" for config in configs) + "}"
    return models.parse(text_format.Parse(text, model_server_config_pb2.ModelServerConfig()))


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        ("", [5]),
        ("model_version_policy { latest {} }", [5]),
        ("model_version_policy { latest { num_versions: 2 } }", [5, 3]),
        ("model_version_policy { all {} }", [5, 3, 1]),
        ("model_version_policy { specific { versions: 1 versions: 3 versions: 9 } }", [3, 1]),
    ],
)
def test_parse_policy_chooses_versions(policy, chosen):
    """The policy says which of the versions on disk are served, newest first; the default is the latest one."""
    (config,) = parse(f'name: "a" base_path: "/a" model_platform: "tensorflow" {policy}')
    assert config.policy.choose([1, 3, 5]) == chosen
    assert config.policy.choose([]) == []


def test_parse_models_keeps_names_paths_and_labels():
    """Each model has its name, its folder and its labels; the deprecated type means TensorFlow."""
    first, second = parse(
        'name: "a" base_path: "/x" model_platform: "tensorflow" version_labels { key: "stable" value: 3 }',
        'name: "b" base_path: "/y" model_type: TENSORFLOW',
    )
    assert (first.name, first.base_path, first.labels) == ("a", Path("/x"), {"stable": 3})
    assert (second.name, second.base_path, second.policy) == ("b", Path("/y"), VersionPolicy())


def test_parse_empty_config_asks_for_nothing():
    """An empty configuration is told from an empty list."""
    assert models.parse(model_server_config_pb2.ModelServerConfig()) is None
    assert parse() == []


GOOD = 'name: "a" base_path: "/a" model_platform: "tensorflow"'


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ([GOOD, GOOD], "Illegal to list model a multiple times in config list"),
        (['base_path: "/a" model_platform: "tensorflow"'], "Expected every model in config list to have a name"),
        (
            ['name: "a" base_path: "a/b" model_platform: "tensorflow"'],
            "Expected model a to have an absolute path or URI; got base_path()=a/b",
        ),
        (
            ['name: "a" model_platform: "tensorflow"'],
            "Expected model a to have an absolute path or URI; got base_path()=",
        ),
        (['name: "a" base_path: "/a" model_platform: "torch"'], "Model a requests unsupported platform torch"),
        (
            ['name: "a" base_path: "/a"'],
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform."
            ", model name is a",
        ),
        (
            [f"{GOOD} model_type: TENSORFLOW"],
            "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform."
            ", model name is a",
        ),
        (
            ['name: "a" base_path: "/a" model_type: OTHER'],
            "ModelServerConfig::model_type choice 2 not supported., model name is a",
        ),
        ([f"{GOOD} logging_config {{}}"], "Model a has a logging_config, and this server does not log requests"),
    ],
)
def test_parse_contradiction_is_refused(configs, message):
    """A list that cannot be served is refused with TensorFlow Serving's words."""
    with pytest.raises(StatusError) as error:
        parse(*configs)
    assert error.value.message == message


@pytest.mark.parametrize("base_path", ["/models/a", "file:///models/a"])
def test_local_folder_takes_paths_and_file_uris(base_path):
    """A folder of this machine may be given as a path or as a URI."""
    assert models.local_folder("a", base_path) == Path("/models/a")


@pytest.mark.parametrize(
    ("base_path", "message"),
    [
        ("models/a", "Expected model a to have an absolute path or URI; got base_path()=models/a"),
        ("file://models/a", "Expected model a to have an absolute path or URI; got base_path()=file://models/a"),
        (
            "gs://models/a",
            "File system scheme 'gs' not implemented (file: 'gs://models/a'): models are read from local folders",
        ),
    ],
)
def test_local_folder_refuses_what_is_none(base_path, message):
    """Relative paths and object stores are refused at once, with a line that says so."""
    with pytest.raises(StatusError) as error:
        models.local_folder("a", base_path)
    assert error.value.message == message
