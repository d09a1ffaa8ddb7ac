"""PredictionService: predictions and metadata."""

from __future__ import annotations

from typing import Any

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from local_server.grpc_api.rpc import rpc_method, timeout_ms
from local_server.inference import label_protos
from local_server.inference.classify import CLASSIFY
from local_server.inference.multi_inference import multi_infer
from local_server.inference.predict import DEFAULT_SIGNATURE, predict
from local_server.inference.regress import REGRESS
from local_server.inference.tensors import fill_proto
from local_server.lifecycle import replies
from local_server.lifecycle.manager import ModelManager

# The methods' names are the protocol's.


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """gRPC service for predictions and for a version's signatures."""

    def __init__(self, manager: ModelManager, as_content: bool) -> None:
        self._manager = manager
        self._as_content = as_content

    @rpc_method
    def Predict(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Run a signature on the request's tensors."""
        spec = request.model_spec
        with self._manager.acquire(spec) as (version, servable):
            outputs = predict(servable, spec.signature_name, request.inputs, request.output_filter, timeout_ms(context))
        response = predict_pb2.PredictResponse(model_spec=_answered(spec, version))
        for alias, array in outputs.items():
            fill_proto(response.outputs[alias], array, self._as_content)
        return response

    @rpc_method
    def Classify(  # noqa: N802
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> Any:
        """Return each example's classes."""
        spec = request.model_spec
        with self._manager.acquire(spec) as (version, servable):
            result = CLASSIFY.run(servable, spec.signature_name, request.input, timeout_ms(context))
        response = label_protos.ClassificationResponse(result=result)
        response.model_spec.MergeFromString(_answered(spec, version).SerializeToString())
        return response

    @rpc_method
    def Regress(self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return a number for each example."""
        spec = request.model_spec
        with self._manager.acquire(spec) as (version, servable):
            result = REGRESS.run(servable, spec.signature_name, request.input, timeout_ms(context))
        return regression_pb2.RegressionResponse(model_spec=_answered(spec, version), result=result)

    @rpc_method
    def MultiInference(  # noqa: N802
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> Any:
        """Run several signatures on the same examples; the first task says on which version of the model."""
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        with self._manager.acquire(spec) as (version, servable):
            results = multi_infer(servable, request.tasks, request.input, timeout_ms(context))
        for task, result in zip(request.tasks, results, strict=True):
            result.model_spec.MergeFromString(_answered(task.model_spec, version).SerializeToString())
        return label_protos.MultiInferenceResponse(results=results)

    @rpc_method
    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> Any:
        """Return a version's signatures."""
        return replies.metadata(self._manager, request)


def _answered(spec: model_pb2.ModelSpec, version: int) -> model_pb2.ModelSpec:
    """Return the reply's ModelSpec: the version that answered, and the signature even if none was named."""
    return model_pb2.ModelSpec(
        name=spec.name, version={"value": version}, signature_name=spec.signature_name or DEFAULT_SIGNATURE
    )
