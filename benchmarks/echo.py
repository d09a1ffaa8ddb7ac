"""A model server without a model: it answers at once, and costs little beside the gateway that asks it.

    .venv/bin/python -m benchmarks.echo PORT

No request is parsed: whatever is asked gets bytes that were made beforehand, the card to `describe`, two dogs to
`locate`, and an answer to every photo.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

import grpc
import grpc.aio

from detector_api.serving.protos import serving_pb2 as pb

SIZE, CROP = 260, 0.89  # the starter's
_SPECIFICATION_BYTES = 100
BREEDS = [f"Breed {number}" for number in range(133)]


def card() -> bytes:
    """Return the reply to `describe`."""
    text = {"input_size": SIZE, "crop": CROP, "breeds": BREEDS, "detects_dogs": True, "locates": True}
    reply = _reply()
    reply.outputs["model_card"].CopyFrom(
        pb.TensorProto(
            dtype=pb.DT_STRING,
            tensor_shape=_shape(1),
            string_val=[json.dumps(text | {"thresholds": {"dog": 0.5, "sure": 0.5}}).encode()],
        )
    )
    return reply.SerializeToString()


def answer() -> bytes:
    """Return the reply to a photo, with all outputs of the signature `pixels`, as the model's."""
    reply = _reply()
    breeds = pb.TensorProto(dtype=pb.DT_STRING, tensor_shape=_shape(1, 5), string_val=[b.encode() for b in BREEDS[:5]])
    reply.outputs["top_breeds"].CopyFrom(breeds)
    for name, values in {
        "probabilities": [1 / len(BREEDS)] * len(BREEDS),
        "top_probabilities": [0.61234567, 0.2, 0.1, 0.05, 0.02],
    }.items():
        tensor = pb.TensorProto(dtype=pb.DT_FLOAT, tensor_shape=_shape(1, len(values)), float_val=values)
        reply.outputs[name].CopyFrom(tensor)
    dog = pb.TensorProto(dtype=pb.DT_FLOAT, tensor_shape=_shape(1), float_val=[0.98765432])
    reply.outputs["dog_probability"].CopyFrom(dog)
    return reply.SerializeToString()


def boxes() -> bytes:
    """Return the reply to `locate`: two dogs side by side."""
    found = [(0.25, 0.0, 0.75, 0.5), (0.25, 0.5, 0.75, 1.0)]
    rows, scores = [*found, *[(0.0,) * 4] * (8 - len(found))], [0.9] * len(found) + [0.0] * (8 - len(found))
    reply = _reply()
    for name, shape, values in (("boxes", (1, 8, 4), sum(rows, ())), ("box_scores", (1, 8), scores)):
        tensor = pb.TensorProto(dtype=pb.DT_FLOAT, tensor_shape=_shape(*shape), float_val=values)
        reply.outputs[name].CopyFrom(tensor)
    return reply.SerializeToString()


def _reply() -> pb.PredictResponse:
    reply = pb.PredictResponse(model_spec=pb.ModelSpec(name="dog_breed"))
    reply.model_spec.version.value = 1
    return reply


def _shape(*sizes: int) -> pb.TensorShapeProto:
    shape = pb.TensorShapeProto()
    for size in sizes:
        shape.dim.add(size=size)
    return shape


def _status() -> bytes:
    reply = pb.GetModelStatusResponse()
    reply.model_version_status.add(version=1, state=pb.ModelVersionStatus.State.AVAILABLE)
    return reply.SerializeToString()


async def serve(port: int) -> None:
    """Answer until the process ends."""
    replies = {"card": card(), "boxes": boxes(), "answer": answer(), "status": _status()}

    async def predict(request: bytes, context: object) -> bytes:
        # The specification of the model is short and comes first; a photo's pixels are not looked through.
        asked = request[:_SPECIFICATION_BYTES]
        return replies["card" if b"describe" in asked else "boxes" if b"locate" in asked else "answer"]

    async def status(request: bytes, context: object) -> bytes:
        return replies["status"]

    def method(function: Callable[[bytes, object], Awaitable[bytes]]) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(function)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", {"Predict": method(predict)}),
            grpc.method_handlers_generic_handler("tensorflow.serving.ModelService", {"GetModelStatus": method(status)}),
        )
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
