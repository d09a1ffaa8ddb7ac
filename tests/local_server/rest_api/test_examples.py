"""Classify and regress over REST read tf.Examples from JSON, and answer, as TensorFlow Serving does."""

from __future__ import annotations

import pytest

CLASSIFY = '{"signature_name": "classify", '
REGRESS = '{"signature_name": "regress", '


@pytest.mark.parametrize(
    ("call", "request_text", "reply"),
    [
        ("regress", REGRESS + '"examples": [{"x": 2.0}]}', '{\n    "results": [3.0]\n}'),
        ("regress", REGRESS + '"examples": [{"x": [2.0]}, {"x": 0.2}]}', '{\n    "results": [3.0, 2.1]\n}'),
        ("regress", REGRESS + '"examples": [{"x": 1e20}, {"x": NaN}]}', '{\n    "results": [5e+19, NaN]\n}'),
        (
            "regress",
            REGRESS + '"context": {"x": 2.0}, "examples": [{}, {"x": 4.0}]}',
            '{\n    "results": [3.0, 4.0]\n}',
        ),
        (
            "classify",
            CLASSIFY + '"examples": [{"x": 2.0}, {"x": 0.1, "name": "é"}]}',
            '{\n    "results": [[["gear", 2.0], ["GEAR", -2.0]], [["é", 0.1], ["é", -0.1]]\n    ]\n}',
        ),
        (
            "classify",
            CLASSIFY + '"context": {"name": {"b64": "Y2F0"}}, "examples": [{"x": 1.5}]}',
            '{\n    "results": [[["cat", 1.5], ["CAT", -1.5]]\n    ]\n}',
        ),
    ],
)
def test_post_examples_has_upstreams_layout(client, call, request_text, reply):
    """Results are in the order of the examples; a context is shared by those that have no such feature."""
    response = client.post(request_text.encode(), f"/v1/models/gadgets:{call}")
    assert (response.status_code, response.text) == (200, reply)


def test_post_examples_of_version_answers(client):
    """A version can be asked for by number."""
    body = {"signature_name": "regress", "examples": [{"x": 2.0}]}
    assert client.post(body, "/v1/models/gadgets/versions/1:regress").json() == {"results": [3.0]}


def test_post_example_of_wrong_type_is_refused_by_the_model(client):
    """A whole number is an int64 feature, which a model that wants a float does not take."""
    response = client.post({"signature_name": "regress", "examples": [{"x": 2}]}, "/v1/models/gadgets:regress")
    assert response.status_code == 400
    assert "Data type: int64 but expected type: float" in response.json()["error"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        (
            '{"signature_name": 1}',
            'JSON Value: {\n    "signature_name": 1\n} not formatted correctly. '
            "'signature_name' key must be a string value.",
        ),
        ("{}", "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
        (
            '{"examples": 1}',
            "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array",
        ),
        ('{"examples": []}', "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array"),
        ('{"examples": [1]}', "Example must be JSON object but got JSON Number"),
        ('{"context": [], "examples": [{}]}', "Example must be JSON object but got JSON Array"),
        ('{"examples": [{"x": null}]}', "Feature: x has element with unexpected JSON type: Null"),
        ('{"examples": [{"x": [[1]]}]}', "Feature: x has element with unexpected JSON type: Array"),
        ('{"examples": [{"x": {"b": 1}}]}', "Feature: x has element with unexpected JSON type: Object"),
        ('{"examples": [{"x": [1.5, 1]}]}', "Unexpected element type in feature: x expecting type: float"),
        ('{"examples": [{"x": [true, "a"]}]}', "Unexpected element type in feature: x expecting type: int64"),
        ('{"examples": [{"x": ["a", 1.5]}]}', "Unexpected element type in feature: x expecting type: bytes"),
        (
            f'{{"examples": [{{"x": {2**63}}}]}}',
            "Feature: x has uint64_t element. Only int64_t is supported.",
        ),
        ('{"examples": [{"x": {"b64": "*"}}]}', "Unable to base64 decode"),
        ('{"signature_name": "zz", "examples": [{}]}', "No signature was found with the name: zz"),
    ],
)
def test_post_wrong_examples_are_refused_in_upstreams_words(client, body, message):
    """Each fault of a body is 400 with TensorFlow Serving's message."""
    response = client.post(body.encode(), "/v1/models/gadgets:classify")
    assert (response.status_code, response.json()) == (400, {"error": message})


def test_post_examples_to_unknown_model_is_not_found(client):
    """The body is read first, then the model is looked for."""
    response = client.post({"examples": [{"x": 1.0}]}, "/v1/models/foo:regress")
    assert (response.status_code, response.json()) == (404, {"error": "Servable not found for request: Latest(foo)"})


def test_post_example_with_feature_name_that_is_no_text_is_refused(client):
    """A feature's name must be UTF-8, as the names in a tf.Example are."""
    response = client.post(b'{"examples": [{"\xcf": 1.0}]}', "/v1/models/gadgets:classify")
    assert (response.status_code, response.json()) == (400, {"error": "JSON Parse error: Invalid encoding in string."})
