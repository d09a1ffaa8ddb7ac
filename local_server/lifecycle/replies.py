"""Replies of GetModelStatus and GetModelMetadata, for both protocols."""

from __future__ import annotations

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2

from local_server.errors import Code, InvalidArgumentError
from local_server.lifecycle.manager import ModelManager

SIGNATURE_DEF = "signature_def"


def status(manager: ModelManager, spec: model_pb2.ModelSpec) -> get_model_status_pb2.GetModelStatusResponse:
    """Return the state of each version of a model, newest first, or of the one asked for."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in manager.status(spec):
        entry = response.model_version_status.add(version=version.number, state=int(version.state))
        entry.status.error_code = version.error.code if version.error else Code.OK
        entry.status.error_message = version.error.message if version.error else ""
    return response


def metadata(
    manager: ModelManager, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Return a version's signatures, the only kind of metadata."""
    if not request.metadata_field:
        raise InvalidArgumentError("GetModelMetadataRequest must specify at least one metadata_field")
    for name in request.metadata_field:
        if name != SIGNATURE_DEF:
            raise InvalidArgumentError(f"Metadata field {name} is not supported")
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    signatures = get_model_metadata_pb2.SignatureDefMap()
    with manager.acquire(request.model_spec) as (version, servable):
        for name, signature in servable.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = version
    response.metadata[SIGNATURE_DEF].Pack(signatures)
    return response
