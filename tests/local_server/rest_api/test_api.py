"""The REST API answers, and refuses, as TensorFlow Serving does."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from local_server.errors import Code, StatusError
from local_server.flags import Options
from local_server.rest_api.api import RestApi
from local_server.server import Server

STATUS = """{
 "model_version_status": [
  {
   "version": "1",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
"""


@pytest.mark.parametrize("path", ["/v1/models/gadgets", "/V1/Models/gadgets/Versions/1", "/v1/models/g%61dgets"])
def test_get_status_has_upstreams_layout(client, path):
    """Status is TensorFlow Serving's text to the byte, whatever the case of the path's words."""
    response = client.get(path)
    assert (response.status_code, response.text) == (200, STATUS)
    assert response.headers["content-type"] == "application/json"


def test_get_metadata_holds_signatures(client):
    """Metadata names the model and each signature's tensors."""
    document = client.get("/v1/models/gadgets/metadata").json()
    assert document["model_spec"] == {"name": "gadgets", "signature_name": "", "version": "1"}
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"] == {
        "dtype": "DT_FLOAT",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "x:0",
    }


@pytest.mark.parametrize(
    ("request_text", "reply"),
    [
        ('{"instances": [1, 2.0, 3e0]}', '{\n    "predictions": [2.5, 3.0, 3.5\n    ]\n}'),
        ('{"inputs": [1, 2]}', '{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}'),
        ('{"inputs": {"x": [1]}}', '{\n    "outputs": [\n        2.5\n    ]\n}'),
        ('{"instances": [{"x": 1}, {"x": 2}]}', '{\n    "predictions": [2.5, 3.0\n    ]\n}'),
        ('{"instances": [[1], [2]]}', '{\n    "predictions": [[2.5], [3.0]\n    ]\n}'),
        (
            '{"signature_name": "two", "instances": [{"a": 1, "b": 2}, {"b": 0.1, "a": 3}]}',
            '{\n    "predictions": [\n        {\n            "difference": -1.0,\n            "total": 3.0\n        },'
            '\n        {\n            "difference": 2.9,\n            "total": 3.1\n        }\n    ]\n}',
        ),
        (
            '{"signature_name": "two", "inputs": {"a": [1], "b": [2]}}',
            '{\n    "outputs": {\n        "difference": [\n            -1.0\n        ],'
            '\n        "total": [\n            3.0\n        ]\n    }\n}',
        ),
        ('{"instances": [NaN, Infinity, -Infinity]}', '{\n    "predictions": [NaN, Infinity, -Infinity\n    ]\n}'),
        ('{"instances": [2.28318531]}', '{\n    "predictions": [3.1415925\n    ]\n}'),
        ('{"instances": [1e20]}', '{\n    "predictions": [5e+19\n    ]\n}'),
    ],
)
def test_post_predict_has_upstreams_layout(client, request_text, reply):
    """Rows and columns, one output and several, and decimals come out as TensorFlow Serving writes them."""
    response = client.post(request_text.encode())
    assert (response.status_code, response.text) == (200, reply)


@pytest.mark.parametrize(
    ("signature", "number", "output"),
    [
        ("serving_default", "16777217", 16777216 / 2 + 2),
        ("serving_default", "1435774380", 7.17887168e08),
        ("serving_default", "1e39", float("inf")),
        ("serving_default", "-1e308", float("-inf")),
        ("serving_default", "18446744073709551616", 9.22337204e18),
        ("double", "9007199254740993", 9007199254740992.0),
        ("double", "12345678901234567890123", 1.2345678901234568e22),
        ("double", "1e308", 1e308),
    ],
)
def test_post_predict_takes_any_number_as_the_nearest(client, signature, number, output):
    """A float or double input takes every number: the nearest one it can hold, or an infinite one."""
    response = client.post(f'{{"signature_name": "{signature}", "instances": [{number}]}}'.encode())
    assert response.json() == {"predictions": [output]}


@pytest.mark.parametrize(
    "body",
    [b'{"instances": [1]} {', b'\xef\xbb\xbf{"instances": [1]}', b'{"instances": [1], "instances": [2], "x": -NaN}'],
)
def test_post_predict_reads_what_upstream_reads(client, body):
    """Data after the document, a byte order mark and equal keys, of which the first counts, are no errors."""
    assert client.post(body).json() == {"predictions": [2.5]}


def test_post_predict_empty_batch_is_answered(client):
    """Outputs without rows are an empty list."""
    response = client.post({"signature_name": "positive", "instances": [-1.0, -2.0]})
    assert (response.status_code, response.text) == (200, '{\n    "predictions": []\n}')
    assert client.post({"inputs": []}).json() == {"outputs": []}


def test_post_predict_text_that_is_no_utf8_passes_as_bytes(client):
    """Strings are bytes, which come out as they went in."""
    response = client.post(b'{"signature_name": "text", "inputs": ["a\xff\\udc80"]}')
    assert response.status_code == 200
    assert b'"A\xff\xed\xb2\x80"' in response.content


def test_post_predict_error_may_quote_text_that_is_no_utf8(client):
    """An error of the graph that quotes such an input is the client's fault, too, and quotes its bytes."""
    response = client.post(b'{"signature_name": "number", "inputs": ["\xffx"]}')
    assert response.status_code == 400
    assert b"could not correctly convert string: \xffx" in response.content


def test_post_large_wrong_predict_is_quoted_in_short(client):
    """However much is sent, an error quotes 256 bytes of it."""
    for body in (
        {"instances": [["x" * 500_000]]},
        {"x" * 500_000: [[[1] * 100_000]]},
        {"instances": {"x" * 500_000: 1}},
    ):
        response = client.post(body)
        assert response.status_code == 400
        assert len(response.content) < 1024


def test_post_predict_error_of_the_graph_is_cut(client):
    """A message of TensorFlow's own, which may quote all of an input, ends in ...TRUNCATED as over gRPC."""
    response = client.post({"signature_name": "number", "inputs": ["x" * 500_000]})
    assert response.status_code == 400
    error = response.json()["error"]
    assert "could not correctly convert string: xxx" in error
    assert len(error) == 1024 + len("...TRUNCATED")
    assert error.endswith("...TRUNCATED")


def test_post_predict_bytes_travel_in_base64(client):
    """Bytes come in as {"b64": ...}, and go out so from outputs whose name ends in _bytes."""
    body = {"signature_name": "text", "instances": [{"b64": "aGk="}, "é"]}
    assert client.post(body).json()["predictions"] == [
        {"loud": "HI", "raw_bytes": {"b64": "aGk="}},
        {"loud": "é", "raw_bytes": {"b64": "w6k="}},
    ]


@pytest.mark.parametrize("base64", ["aGk=", "aGk", "a G\\n k =", "aGk."])
def test_post_predict_base64_may_be_spaced_or_unpadded(client, base64):
    """White space, no padding and dots for padding are let through, as Abseil does."""
    body = f'{{"signature_name": "text", "inputs": {{"b64": "{base64}"}}}}'
    assert client.post(body.encode()).json()["outputs"]["loud"] == "HI"


@pytest.mark.parametrize("base64", ["a", "aGk==", "====", "aGkx=", "aG=k", "_-8=", "aGk\u00e9", "*"])
def test_post_predict_wrong_base64_is_refused(client, base64):
    """Padding of the wrong length, and letters that are not base64's, are errors."""
    response = client.post({"signature_name": "text", "inputs": [{"b64": base64}]})
    assert (response.status_code, response.json()) == (400, {"error": "Unable to base64 decode"})


def test_post_predict_integers_and_doubles_keep_their_type(client):
    """Integers have no point; doubles have as many digits as they need."""
    text = client.post({"signature_name": "whole", "inputs": [[1, 3]]}).text
    assert json.loads(text)["outputs"] == {"doubled": [[2, 6]], "wide": [[1 / 3, 1.0]]}
    assert "0.33333333333333331" in text


def test_post_predict_gzip_body_is_read(client):
    """Request bodies may be compressed."""
    response = client.post(gzip.compress(b'{"instances": [1]}'), headers={"Content-Encoding": "gzip"})
    assert response.json() == {"predictions": [2.5]}


def test_post_predict_damaged_gzip_is_refused(client):
    """A body that claims to be compressed and is not counts as none."""
    response = client.post(b'{"instances": [1]}', headers={"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()) == (400, {"error": "JSON Parse error: The document is empty"})


def test_post_predict_of_label_answers(models, run_server, tmp_path):
    """A version can be asked for by the label that the configuration gives it, and told about."""
    for number, bias in ((1, 2.0), (2, 3.0)):
        models.install(tmp_path, number, bias)
    config = tmp_path / "models.txt"
    config.write_text(
        f'model_config_list {{ config {{ name: "gadgets" base_path: "{tmp_path}" model_platform: "tensorflow" '
        "model_version_policy { all {} } version_labels { key: 'stable' value: 1 } } }"
    )
    options = {"model_config_file": str(config), "allow_version_labels_for_unavailable_models": True}
    client = run_server(tmp_path, **options)
    assert client.post({"instances": [1]}).json() == {"predictions": [3.5]}
    assert client.post({"instances": [1]}, "/v1/models/gadgets/labels/stable:predict").json() == {"predictions": [2.5]}
    metadata = client.get("/v1/models/gadgets/labels/stable/metadata").json()
    assert metadata["model_spec"]["version"] == "1"


def test_post_predict_of_version_answers(client):
    """A version can be asked for by number."""
    assert client.post({"instances": [1]}, "/v1/models/gadgets/versions/1:predict").json() == {"predictions": [2.5]}


ELEMENT_0 = "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("{", "JSON Parse error: Missing a name for object member. at offset: 1"),
        ('{"é": x}', "JSON Parse error: Invalid value. at offset: 7"),
        ('{"instances" = 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 13"),
        ('{"instances": [1 2]}', "JSON Parse error: Missing a comma or ']' after an array element. at offset: 17"),
        ('{"a": "[" "b"}', "JSON Parse error: Missing a comma or '}' after an object member. at offset: 10"),
        (
            '{"instances": ["\\ud83d\\ude00\\\\ud800", "é\\ud800"]}',
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 41",
        ),
        ("[1]", "JSON Value: [\n    1\n] Is not object"),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"instances": ["x"]}', ELEMENT_0 + 'JSON Value: "x" Type: String is not of expected type: float'),
        ('{"instances": [true]}', ELEMENT_0 + "JSON Value: true Type: True is not of expected type: float"),
        ('{"instances": [null]}', ELEMENT_0 + "JSON Value: null Type: Null is not of expected type: float"),
        (f'{{"instances": [1{"0" * 400}]}}', "JSON Parse error: Number too big to be stored in double. at offset: 15"),
        ('{"instances": [1e400]}', "JSON Parse error: Number too big to be stored in double. at offset: 15"),
        (
            f'{{"instances": {"[" * 100_000}1',
            "JSON Parse error: Missing a comma or ']' after an array element. at offset: 100015",
        ),
        (f'{{"instances": {"[" * 100_000}1{"]" * 100_000}}}', "tensor parsing error: x"),
        ('{"instances": {}}', "JSON Value: {\n    \"instances\": {}\n} Expecting 'instances' to be an list/array"),
        ('{"instances": []}', "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
        (
            '{"inputs": 1, "instances": [1]}',
            'JSON Value: {\n    "inputs": 1,\n    "instances": [\n        1\n    ]\n} '
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        (
            '{"signature_name": "two", "instances": [{"a": 1}]}',
            "Failed to process element: 0 of 'instances' list. JSON object: {\n    \"a\": 1\n} "
            "keys must be equal to: a,b",
        ),
        (
            '{"signature_name": "text", "instances": ["a", {"b64": "*"}]}',
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Unable to base64 decode",
        ),
        ('{"inputs": ["x"]}', 'JSON Value: "x" Type: String is not of expected type: float'),
        ('{"inputs": [[1], [2, 3]]}', "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ('{"inputs": [1, [2]]}', "Encountered list at unexpected level: 1 expected < 1"),
        ('{"inputs": [[1], 2]}', "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        (
            '{"instances": [[1], [2, 3]]}',
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 1 but got: 2",
        ),
        ('{"inputs": {"w": [1]}}', "Missing named input: x in 'inputs' object."),
        (
            '{"instances": [{"w": 1}]}',
            "Failed to process element: 0 key: w of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: w",
        ),
        ('{"instances": [1, {"x": 1}]}', "Expecting value/list but got object at item 1 of input list"),
        ('{"instances": [{"x": 1}, 1]}', "Expecting object but got list at item 1 of input list"),
        ('{"signature_name": "zz", "instances": [1]}', 'Serving signature name: "zz" not found in signature def'),
        ('{"signature_name": "describe", "inputs": {}}', "Failed to get input map for signature: describe"),
        (
            '{"signature_name": "two", "instances": [1]}',
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map",
        ),
        (
            '{"signature_name": "whole", "inputs": [[1.5, 2]]}',
            "JSON Value: 1.5 Type: Number is not of expected type: int32",
        ),
        ('{"signature_name": "text", "inputs": [{"b64": "*"}]}', "Unable to base64 decode"),
        (
            '{"signature_name": "text", "inputs": [{"b": 1}]}',
            'JSON Value: {\n    "b": 1\n} not formatted correctly for base64 data',
        ),
    ],
)
def test_post_wrong_predict_is_refused_in_upstreams_words(client, body, message):
    """Each fault of a body is 400 with TensorFlow Serving's message."""
    response = client.post(body.encode())
    assert (response.status_code, response.json()) == (400, {"error": message})


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/foo:predict", 404, "Servable not found for request: Latest(foo)"),
        ("/v1/models/gadgets/versions/7:predict", 404, "Servable not found for request: Specific(gadgets, 7)"),
        ("/v1/models/gadgets/labels/X:predict", 400, "Unrecognized servable version label: X"),
        ("/v1/models/gadgets:guess", 400, "Malformed request: POST /v1/models/gadgets:guess"),
        ("/v1/models/gadgets:predict?x=1", 400, "Malformed request: POST /v1/models/gadgets:predict?x=1"),
        ("/v1/models/gadgets:PREDICT", 400, "Malformed request: POST /v1/models/gadgets:PREDICT"),
        ("/v1/models/gadgets/metadata", 400, "Malformed request: POST /v1/models/gadgets/metadata"),
        (f"/v1/models/gadgets/versions/{2**63}:predict", 400, f"Failed to convert version: {2**63} to numeric."),
    ],
)
def test_post_wrong_path_has_upstreams_code_and_message(client, path, status, message):
    """Each canonical code has its HTTP status."""
    response = client.post({"instances": [1]}, path)
    assert (response.status_code, response.json()) == (status, {"error": message})


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/v1/models/foo", 404, "Could not find any versions of model foo"),
        ("/v1/models/gadgets/versions/7", 404, "Could not find version 7 of model gadgets"),
        ("/v1/models", 400, "Missing model name in request."),
        ("/v1/nothing", 400, "Malformed request: GET /v1/nothing"),
    ],
)
def test_get_wrong_path_has_upstreams_code_and_message(client, path, status, message):
    """Unknown models are 404, unknown paths under /v1/ are 400."""
    response = client.get(path)
    assert (response.status_code, response.json()) == (status, {"error": message})


def test_get_outside_v1_is_not_found(client):
    """There is nothing beside /v1/."""
    assert client.get("/").status_code == 404


def test_post_predict_over_time_limit_answers_504(models, run_server, gate, tmp_path):
    """A prediction that takes longer than --rest_api_timeout_in_ms is given up."""
    models.install(tmp_path)
    client = run_server(tmp_path, rest_api_timeout_in_ms=200)
    response = client.post({"signature_name": "content_of", "inputs": str(gate.path)})
    assert (response.status_code, response.json()) == (504, {"error": "Timed out waiting for notification"})


class Failing:
    """A stand-in for the manager: every model fails with one error."""

    def __init__(self, error):
        self._error = error

    def acquire(self, spec):
        """Fail."""
        raise self._error


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.CANCELLED, 499),
        (Code.UNKNOWN, 500),
        (Code.INVALID_ARGUMENT, 400),
        (Code.DEADLINE_EXCEEDED, 504),
        (Code.NOT_FOUND, 404),
        (Code.ALREADY_EXISTS, 409),
        (Code.PERMISSION_DENIED, 403),
        (Code.RESOURCE_EXHAUSTED, 429),
        (Code.FAILED_PRECONDITION, 400),
        (Code.ABORTED, 409),
        (Code.OUT_OF_RANGE, 400),
        (Code.UNIMPLEMENTED, 501),
        (Code.INTERNAL, 500),
        (Code.UNAVAILABLE, 503),
        (Code.DATA_LOSS, 500),
        (Code.UNAUTHENTICATED, 401),
    ],
)
def test_answer_error_has_the_http_status_of_its_code(code, status):
    """Each canonical code has TensorFlow Serving's HTTP status, and the message comes through."""
    api = RestApi(Failing(StatusError("broken", code)), 0)
    answer = api.answer("POST", "/v1/models/gadgets:predict", b'{"instances": [1]}', time.monotonic())
    assert (answer[0], json.loads(answer[1])) == (status, {"error": "broken"})


@pytest.fixture
def manager(models, tmp_path):
    """A manager that serves the model."""
    models.install(tmp_path)
    server = Server(Options(model_name="gadgets", model_base_path=str(tmp_path)))
    server._manager = manager = server._new_manager()
    manager.start(server._models())
    yield manager
    server.stop()


def test_answer_past_time_limit_is_504_without_a_run(manager):
    """The time that a request waited before anybody took it up counts."""
    body, path = b'{"instances": [1]}', "/v1/models/gadgets:predict"
    assert RestApi(manager, 60_000).answer("POST", path, body, time.monotonic())[0] == 200
    status, text = RestApi(manager, 60_000).answer("POST", path, body, time.monotonic() - 61)
    assert (status, json.loads(text)) == (504, {"error": "Timed out waiting for notification"})
    assert RestApi(manager, 0).answer("POST", path, body, time.monotonic() - 61)[0] == 200
