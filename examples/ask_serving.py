"""Ask TensorFlow Serving, or the local server, over gRPC: `python examples/ask_serving.py dog.jpg [localhost:8500]`.

No TensorFlow is imported: the gateway's own protos are all it takes, with the extra `api`.
"""

import sys
from pathlib import Path

import grpc

from detector_api.serving.protos import serving_pb2 as pb

photo, address = Path(sys.argv[1]).read_bytes(), sys.argv[2] if len(sys.argv) > 2 else "localhost:8500"
image = pb.TensorProto(dtype=pb.DT_STRING, string_val=[photo])
image.tensor_shape.dim.add(size=1)
request = pb.PredictRequest(model_spec=pb.ModelSpec(name="dog_breed"), inputs={"image_bytes": image})
with grpc.insecure_channel(address) as channel:
    predict = channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        pb.PredictRequest.SerializeToString,
        pb.PredictResponse.FromString,
    )
    outputs = predict(request, timeout=30).outputs
for breed, probability in zip(outputs["top_breeds"].string_val, outputs["top_probabilities"].float_val, strict=True):
    print(f"{probability:6.1%}  {breed.decode()}")
