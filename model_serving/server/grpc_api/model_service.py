"""ModelService: questions about versions."""

from __future__ import annotations

from typing import Any

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from model_serving.server.grpc_api.calls import answering
from model_serving.server.lifecycle import model_info
from model_serving.server.lifecycle.manager import Manager

# The methods' names are the protocol's.


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers questions about versions."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    @answering
    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> Any:
        """Tell the state of a model's versions."""
        return model_info.status(self._manager, request.model_spec)
