"""ModelService: questions about versions, and the change of what is served."""

from __future__ import annotations

import logging
from typing import Any

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, model_service_pb2_grpc

from local_server.config import models
from local_server.errors import InvalidArgumentError
from local_server.grpc_api.calls import answering, timeout_ms
from local_server.lifecycle import model_info
from local_server.lifecycle.manager import Manager

_log = logging.getLogger(__name__)

# The methods' names are the protocol's.


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers questions about versions, and changes what is served."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    @answering
    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> Any:
        """Tell the state of a model's versions."""
        return model_info.status(self._manager, request.model_spec)

    @answering
    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> Any:
        """Serve the models of the request's list; answer when those that are new serve."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise InvalidArgumentError(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        milliseconds = timeout_ms(context)
        self._manager.reload(models.parse(request.config) or [], milliseconds and milliseconds / 1000)
        _log.info("Finished reloading config")
        return model_management_pb2.ReloadConfigResponse(status={})
