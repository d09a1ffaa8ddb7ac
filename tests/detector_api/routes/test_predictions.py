"""POST /api/v1/predict_breed: the answer, and every error in its one shape."""

from __future__ import annotations

import io
import socket
from typing import Any

import grpc
import pytest
import tensorflow as tf
from PIL import Image

URL = "/api/v1/predict_breed"


def assert_problem(response: Any, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"code", "title", "status", "detail", "request_id"}
    assert problem["request_id"] == response.headers["x-request-id"]
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["title"]
    assert problem["detail"]
    for internal in ("Traceback", "grpc", "127.0.0.1", "/srv", "PIL", "site-packages", "secret"):
        assert internal not in response.text


def test_predict_breed_with_a_photo_answers_the_contract(gateway: Any, photo: bytes) -> None:
    """The reply has exactly the fields of the contract, breeds in order, and the version that answered."""
    response = gateway.post(URL, files={"dog_image": ("dog.png", photo, "image/png")})
    assert response.status_code == 200
    assert response.json() == {
        "breed": "Akita",
        "confidence": 0.6,
        "is_dog": True,
        "dog_probability": 0.75,
        "predictions": [
            {"breed": "Akita", "confidence": 0.6},
            {"breed": "Beagle", "confidence": 0.2},
            {"breed": "Collie", "confidence": 0.1},
            {"breed": "Dalmatian", "confidence": 0.05},
            {"breed": "Eurasier", "confidence": 0.02},
        ],
        "model": {"name": "dog_breed", "version": 3},
    }


def test_predict_breed_sends_the_card_s_geometry_as_uint8_content(gateway: Any, serving: Any, photo: bytes) -> None:
    """The server receives one upright RGB image of the card's size, as bytes, in a request that can be batched."""
    assert gateway.post(URL, files={"dog_image": photo}).status_code == 200
    request = serving.requests[-1]
    pixels = request.inputs["pixels"]
    assert pixels.dtype == tf.uint8.as_datatype_enum
    assert [dim.size for dim in pixels.tensor_shape.dim] == [1, 8, 8, 3]
    assert pixels.tensor_content == bytes([255, 128, 0]) * 64
    assert request.model_spec.signature_name == "pixels"
    assert list(request.output_filter) == []


@pytest.mark.parametrize("field", ["dog_image", "image", "file"])
def test_predict_breed_accepts_each_field_name(gateway: Any, photo: bytes, field: str) -> None:
    """The original's field name and the two that other clients use are all accepted."""
    assert gateway.post(URL, files={field: photo}).status_code == 200


def test_predict_breed_with_top_k_names_that_many(gateway: Any, photo: bytes) -> None:
    """`top_k` shortens the list and changes nothing else."""
    reply = gateway.post(URL, params={"top_k": 2}, files={"dog_image": photo}).json()
    assert [one["breed"] for one in reply["predictions"]] == ["Akita", "Beagle"]
    assert reply["breed"] == "Akita"


def test_predict_breed_with_explain_adds_the_heatmap(gateway: Any, photo: bytes) -> None:
    """`explain=true` adds rows of numbers within 0..1, from the signature `explain`."""
    reply = gateway.post(URL, params={"explain": "true"}, files={"dog_image": photo}).json()
    assert reply["heatmap"] == [[0.0, 0.5, 1.0], [0.501, 0.501, 0.501]]


@pytest.mark.parametrize(("probability", "is_dog"), [(0.49, False), (0.5, True), (0.51, True)])
def test_predict_breed_judges_dogs_by_the_card_s_threshold(
    gateway: Any, serving: Any, photo: bytes, probability: float, is_dog: bool
) -> None:
    """A photo is said to show a dog from the threshold on that the model's card states."""
    serving.dog_probability = probability
    assert gateway.post(URL, files={"dog_image": photo}).json()["is_dog"] is is_dog


def test_predict_breed_of_a_model_that_cannot_tell_dogs_answers_null(gateway: Any, serving: Any, photo: bytes) -> None:
    """A model without ImageNet's classifier makes no claim about whether there is a dog."""
    serving.card["detects_dogs"] = False
    reply = gateway.post(URL, files={"dog_image": photo}).json()
    assert reply["is_dog"] is None
    assert reply["dog_probability"] is None


def test_predict_breed_tells_familiarity_where_the_model_knows_it(gateway: Any, serving: Any, photo: bytes) -> None:
    """The share of the model's own photos that look stranger is told, unless the card has none to compare with."""
    serving.familiarity = 0.25
    assert "familiarity" not in gateway.post(URL, files={"dog_image": photo}).json()
    serving.version += 1
    serving.card = serving.card | {"familiarity": {"quantiles": [0.0, 1.0], "shown_classes": {}}}
    assert gateway.post(URL, files={"dog_image": photo}).json()["familiarity"] == 0.25


def test_predict_breed_of_several_photos_takes_the_first(gateway: Any, serving: Any) -> None:
    """Of several photos the first that is not empty is answered."""
    files = [("other", b"x"), ("dog_image", b""), ("dog_image", png((9, 9, 9))), ("dog_image", png((7, 7, 7)))]
    assert gateway.post(URL, files=files).status_code == 200
    assert set(serving.requests[-1].inputs["pixels"].tensor_content) == {9}


def png(colour: tuple[int, int, int], size: tuple[int, int] = (16, 16)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}
NO_IMAGE: dict[str, dict[str, Any]] = {
    "no body": {},
    "json": {"json": {"dog_image": "x"}},
    "form": {"data": {"dog_image": "x"}},
    "raw image": {"content": png((1, 2, 3)), "headers": {"content-type": "image/png"}},
    "other field": {"files": {"cat_image": png((1, 2, 3))}},
    "no file chosen": {"files": {"dog_image": ("", b"", "application/octet-stream")}},
    "no boundary": {"content": b"--b", "headers": {"content-type": "multipart/form-data"}},
    "not multipart inside": {"content": b"hello", "headers": BOUNDARY},
    "cut off": {
        "content": b'--b\r\nContent-Disposition: form-data; name="dog_image"\r\n\r\nabc',
        "headers": BOUNDARY,
    },
    "part without a name": {"content": b"--b\r\nX: y\r\n\r\nabc\r\n--b--\r\n", "headers": BOUNDARY},
    "overlong boundary": {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=" + "b" * 999}},
}


@pytest.mark.parametrize("case", NO_IMAGE)
def test_predict_breed_without_a_photo_is_400(gateway: Any, case: str) -> None:
    """A request without a photo is the caller's error, whatever else it holds, and says which field to use."""
    assert_problem(gateway.post(URL, **NO_IMAGE[case]), 400, "no_image")


def test_predict_breed_of_an_empty_file_says_so(gateway: Any) -> None:
    """A file without a byte is told as empty, not as missing or of an unknown type."""
    response = gateway.post(URL, files={"dog_image": ("dog.jpg", b"")})
    assert_problem(response, 400, "empty_image")
    assert "empty" in response.json()["detail"]


@pytest.mark.parametrize("kind", [None, "text/plain;charset=ISO-8859-1", "application/json"])
def test_predict_breed_skips_a_text_field_of_a_photo_s_name(gateway: Any, photo: bytes, kind: str | None) -> None:
    """A form's text field called `image` is no photo: the one after it is answered, and alone it is 400."""
    text = ("image", (None, b'{"caption": "Rex"}', kind))
    response = gateway.post(URL, files=[text, ("dog_image", ("dog.png", photo))])
    assert (response.status_code, response.json().get("breed")) == (200, "Akita")
    assert_problem(gateway.post(URL, files=[text]), 400, "no_image")


def test_predict_breed_of_text_named_jpg_is_415(gateway: Any) -> None:
    """The bytes decide what a file is, not its name or its declared type."""
    files = {"dog_image": ("dog.jpg", b"Dear dog, " * 100, "image/jpeg")}
    assert_problem(gateway.post(URL, files=files), 415, "unsupported_type")


def test_predict_breed_of_a_truncated_photo_is_422(gateway: Any) -> None:
    """A photo that breaks off is called damaged."""
    assert_problem(gateway.post(URL, files={"dog_image": png((1, 2, 3))[:60]}), 422, "damaged_image")


def test_predict_breed_of_too_many_pixels_is_413(serving: Any, start_gateway: Any) -> None:
    """A photo with more pixels than the setting allows is refused."""
    gateway = start_gateway(serving_address=serving.address, max_pixels=255)
    assert_problem(gateway.post(URL, files={"dog_image": png((1, 2, 3))}), 413, "too_large")


def test_predict_breed_announcing_too_many_bytes_is_413_before_they_are_sent(start_gateway: Any) -> None:
    """A body whose announced length is above the limit is refused though none of it was sent."""
    gateway = start_gateway(max_upload_bytes=1_000)
    headers = "Host: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1001"
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port), timeout=10) as connection:
        connection.sendall(f"POST {URL} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_predict_breed_streaming_too_many_bytes_is_413(start_gateway: Any) -> None:
    """A body of unannounced length is refused once it exceeds the limit, though it has not ended."""
    gateway = start_gateway(max_upload_bytes=100_000)

    def body() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="dog_image"\r\n\r\n'
        for _ in range(200):
            yield b"x" * 1_000

    assert_problem(gateway.post(URL, content=body(), headers=BOUNDARY), 413, "too_large")


@pytest.mark.parametrize(
    "query", [{"top_k": 0}, {"top_k": 6}, {"top_k": "many"}, {"top_k": ""}, {"explain": "perhaps"}]
)
def test_predict_breed_with_a_bad_query_is_422_and_names_it(gateway: Any, photo: bytes, query: dict[str, Any]) -> None:
    """A query out of range is refused in the one error shape, and the parameter is named."""
    response = gateway.post(URL, params=query, files={"dog_image": photo})
    assert_problem(response, 422, "invalid_request")
    assert repr(next(iter(query))) in response.json()["detail"]


@pytest.mark.parametrize(
    ("grpc_code", "status", "code"),
    [
        ("UNAVAILABLE", 503, "model_unavailable"),
        ("NOT_FOUND", 503, "model_unavailable"),
        ("RESOURCE_EXHAUSTED", 503, "overloaded"),
        ("DEADLINE_EXCEEDED", 504, "deadline"),
        ("INVALID_ARGUMENT", 502, "model_error"),
        ("FAILED_PRECONDITION", 502, "model_error"),
        ("UNIMPLEMENTED", 502, "model_error"),
        ("INTERNAL", 502, "model_error"),
        ("UNKNOWN", 502, "model_error"),
    ],
)
def test_predict_breed_maps_each_failure_of_the_server(
    gateway: Any, serving: Any, photo: bytes, log_lines: Any, grpc_code: str, status: int, code: str
) -> None:
    """Each gRPC code has its HTTP status and code; the server's words go to the log alone; 503 says to come back."""
    serving.failure = (grpc.StatusCode[grpc_code], "secret at /srv/secret/model")
    response = gateway.post(URL, files={"dog_image": photo})
    assert_problem(response, status, code)
    (line,) = log_lines()
    assert "/srv/secret/model" in line["reason"]
    assert ("retry-after" in response.headers) is (status == 503)


def test_predict_breed_with_no_server_is_503(start_gateway: Any, photo: bytes) -> None:
    """A port where nobody listens is answered at once with 503."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gateway = start_gateway(serving_address=f"127.0.0.1:{port}")
    assert_problem(gateway.post(URL, files={"dog_image": photo}), 503, "model_unavailable")


def test_predict_breed_with_a_silent_server_is_504(serving: Any, start_gateway: Any, photo: bytes) -> None:
    """A server that accepts and does not answer costs no more than the deadline."""
    serving.released.clear()
    gateway = start_gateway(serving_address=serving.address, deadline_seconds=0.2)
    assert_problem(gateway.post(URL, files={"dog_image": photo}), 504, "deadline")


def put(name: str, value: Any, dtype: Any = None) -> Any:
    def alter(reply: Any) -> Any:
        if name in reply.outputs:
            reply.outputs[name].CopyFrom(tf.make_tensor_proto(value, dtype))
        return reply

    return alter


def leave_out(name: str) -> Any:
    def alter(reply: Any) -> Any:
        reply.outputs.pop(name, None)
        return reply

    return alter


def unversioned(reply: Any) -> Any:
    reply.model_spec.ClearField("version")
    return reply


def lying_shape(reply: Any) -> Any:
    if "dog_probability" in reply.outputs:
        reply.outputs["dog_probability"].tensor_shape.dim[0].size = 2
    return reply


def torn_content(reply: Any) -> Any:
    if "top_probabilities" in reply.outputs:
        reply.outputs["top_probabilities"].tensor_content = b"\0" * 19
    return reply


FIVE = [0.6, 0.2, 0.1, 0.05, 0.02]
GARBAGE: dict[str, Any] = {
    "not a number": put("top_probabilities", [[float("nan"), *FIVE[1:]]], tf.float32),
    "infinite": put("dog_probability", [float("inf")], tf.float32),
    "above one": put("top_probabilities", [[1.5, *FIVE[1:]]], tf.float32),
    "below zero": put("dog_probability", [-0.5], tf.float32),
    "out of order": put("top_probabilities", [FIVE[::-1]], tf.float32),
    "fewer probabilities": put("top_probabilities", [FIVE[:3]], tf.float32),
    "no batch": put("top_probabilities", FIVE, tf.float32),
    "two photos": put("dog_probability", [0.5, 0.5], tf.float32),
    "nothing": put("dog_probability", [], tf.float32),
    "other type": put("dog_probability", [0.5], tf.float64),
    "numbers for breeds": put("top_breeds", [FIVE], tf.float32),
    "breeds of no text": put("top_breeds", [[b"\xff"] * 5]),
    "no breeds": leave_out("top_breeds"),
    "no probabilities": leave_out("top_probabilities"),
    "no version": unversioned,
    "shape unlike its values": lying_shape,
    "torn floats": torn_content,
    "card of no JSON": put("model_card", ["{"]),
    "card of no size": put("model_card", ['{"crop": 1}']),
    "flat heatmap": put("heatmap", [[0.5, 0.5]], tf.float32),
    "heatmap not a number": put("heatmap", [[[float("nan")]]], tf.float32),
    "no protobuf": lambda reply: b"\xff\xff garbage",
}


@pytest.mark.parametrize("case", GARBAGE)
def test_predict_breed_of_a_garbled_answer_is_502_and_no_breed(
    gateway: Any, serving: Any, photo: bytes, case: str
) -> None:
    """An answer of wrong shape, type or value is an error, never a breed."""
    serving.alter = GARBAGE[case]
    assert_problem(gateway.post(URL, params={"explain": True}, files={"dog_image": photo}), 502, "model_error")


def test_predict_breed_reads_typed_fields_and_content_alike(gateway: Any, serving: Any, photo: bytes) -> None:
    """Floats are read from `float_val`, as TensorFlow Serving sends by default, as well as from `tensor_content`."""
    from_content = gateway.post(URL, files={"dog_image": photo}).json()

    def typed(reply: Any) -> Any:
        for name in {"top_probabilities", "dog_probability"} & set(reply.outputs):
            values = tf.make_ndarray(reply.outputs[name])
            reply.outputs[name].ClearField("tensor_content")
            reply.outputs[name].float_val[:] = values.ravel().tolist()
        return reply

    serving.alter = typed
    assert gateway.post(URL, files={"dog_image": photo}).json() == from_content
