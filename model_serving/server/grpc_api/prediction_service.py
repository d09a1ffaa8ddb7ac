"""PredictionService: predictions, and questions about signatures."""

from __future__ import annotations

from typing import Any

import grpc
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from model_serving.server.grpc_api.calls import answering, timeout_ms
from model_serving.server.inference.predict import DEFAULT_SIGNATURE, predict
from model_serving.server.inference.tensors import fill_proto
from model_serving.server.lifecycle import model_info
from model_serving.server.lifecycle.manager import Manager

# The methods' names are the protocol's.


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers predictions and questions about signatures."""

    def __init__(self, manager: Manager, as_content: bool) -> None:
        self._manager = manager
        self._as_content = as_content

    @answering
    def Predict(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run a signature on the request's tensors."""
        response = predict_pb2.PredictResponse()
        spec = request.model_spec
        with self._manager.acquire(spec) as (version, servable):
            outputs = predict(servable, spec.signature_name, request.inputs, request.output_filter, timeout_ms(context))
        response.model_spec.name = spec.name
        response.model_spec.signature_name = spec.signature_name or DEFAULT_SIGNATURE
        response.model_spec.version.value = version
        for alias, array in outputs.items():
            fill_proto(response.outputs[alias], array, self._as_content)
        return response

    @answering
    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> Any:
        """Tell a version's signatures."""
        return model_info.metadata(self._manager, request)
