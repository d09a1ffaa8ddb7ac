"""The models to serve: TensorFlow Serving's `ModelServerConfig`, checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.config import file_system_storage_path_source_pb2, model_server_config_pb2

from local_server.config import text_format
from local_server.errors import InvalidArgumentError, UnimplementedError

_PLATFORM = "tensorflow"


@dataclass(frozen=True)
class VersionPolicy:
    """Choice among the versions on disk: the `latest` ones, as many as it says, or the `specific` ones if given."""

    latest: float = 1
    specific: frozenset[int] | None = None

    def choose(self, versions: Collection[int]) -> list[int]:
        """Return the versions to serve, newest first."""
        newest_first = sorted(versions, reverse=True)
        if self.specific is not None:
            return [version for version in newest_first if version in self.specific]
        return newest_first[: int(min(self.latest, len(newest_first)))]


@dataclass(frozen=True)
class ModelConfig:
    """One model to serve."""

    name: str
    base_path: Path
    policy: VersionPolicy = VersionPolicy()
    labels: Mapping[str, int] = field(default_factory=dict)


def read(file: str) -> list[ModelConfig] | None:
    """Return the models of a `ModelServerConfig` in text format, or None if it is empty. Raises StatusError."""
    return parse(text_format.read(file, model_server_config_pb2.ModelServerConfig()))


def parse(config: model_server_config_pb2.ModelServerConfig) -> list[ModelConfig] | None:
    """Return the models of a `ModelServerConfig`, or None if it is empty.

    Raises UnimplementedError if it holds no list of models, InvalidArgumentError if the list contradicts itself.
    """
    kind = config.WhichOneof("config")
    if kind is None:
        return None
    if kind != "model_config_list":
        raise UnimplementedError("ModelServer does not yet support custom model config.")
    models = config.model_config_list.config
    names = [model.name for model in models]
    for name in names:
        if not name:
            raise InvalidArgumentError("Expected every model in config list to have a name")
        if names.count(name) > 1:
            raise InvalidArgumentError(f"Illegal to list model {name} multiple times in config list")
    return [_parse_model(model) for model in models]


def local_folder(name: str, base_path: str) -> Path:
    """Return the folder that a base path names, be it a path or a `file:` URI.

    Raises InvalidArgumentError for a relative path, UnimplementedError for the URI of an object store.
    """
    scheme, separator, path = base_path.partition("://")
    if not separator:
        scheme, path = "file", base_path
    if scheme != "file":
        raise UnimplementedError(
            f"File system scheme '{scheme}' not implemented (file: '{base_path}'): models are read from local folders"
        )
    if not path.startswith("/"):
        raise InvalidArgumentError(
            f"Expected model {name} to have an absolute path or URI; got base_path()={base_path}"
        )
    return Path(path)


def _parse_model(model: model_server_config_pb2.ModelConfig) -> ModelConfig:
    folder = local_folder(model.name, model.base_path)
    platform = _platform(model)
    if platform != _PLATFORM:
        raise InvalidArgumentError(f"Model {model.name} requests unsupported platform {platform}")
    if model.HasField("logging_config"):
        raise UnimplementedError(f"Model {model.name} has a logging_config, and this server does not log requests")
    policy = _parse_policy(model.model_version_policy)
    return ModelConfig(model.name, folder, policy, dict(model.version_labels))


def _platform(model: model_server_config_pb2.ModelConfig) -> str:
    if model.model_type and model.model_platform:
        problem = (
            "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform."
        )
    elif model.model_type == model_server_config_pb2.TENSORFLOW:
        return _PLATFORM
    elif model.model_type:
        problem = f"ModelServerConfig::model_type choice {model.model_type} not supported."
    elif model.model_platform:
        return str(model.model_platform)
    else:
        problem = (
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform."
        )
    raise InvalidArgumentError(f"{problem}, model name is {model.name}")


def _parse_policy(
    policy: file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy,
) -> VersionPolicy:
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return VersionPolicy(latest=float("inf"))
    if kind == "specific":
        return VersionPolicy(specific=frozenset(policy.specific.versions))
    return VersionPolicy(latest=max(1, policy.latest.num_versions))
