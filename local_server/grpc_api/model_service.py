"""ModelService: status of versions, and reloading of the configuration."""

from __future__ import annotations

import logging
from typing import Any

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, model_service_pb2_grpc

from local_server.config import models
from local_server.errors import InvalidArgumentError
from local_server.grpc_api.rpc import rpc_method, timeout_ms
from local_server.lifecycle import replies
from local_server.lifecycle.manager import ModelManager
from local_server.monitoring.instruments import increases

_log = logging.getLogger(__name__)

# The methods' names are the protocol's.


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """gRPC service for the status of versions and for a new configuration."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    @rpc_method
    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> Any:
        """Return the state of a model's versions."""
        return replies.status(self._manager, request.model_spec)

    @rpc_method
    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> Any:
        """Serve the models of the request's list; return when the new ones serve, with the growth of `metric_names`."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise InvalidArgumentError(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        before = increases(request.metric_names)
        milliseconds = timeout_ms(context)
        self._manager.reload(models.parse(request.config) or [], milliseconds and milliseconds / 1000)
        _log.info("Finished reloading config")
        response = model_management_pb2.ReloadConfigResponse(status={})
        for name, increase in increases(request.metric_names, before).items():
            response.metric.add(name=name, int64_value_increase=increase)
        return response
