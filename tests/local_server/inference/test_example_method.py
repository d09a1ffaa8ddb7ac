"""Lists of tf.Example become strings that the model parses."""

from __future__ import annotations

import pytest
import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference.example_method import serialize


def example(**features):
    """Make an example with one float in each feature."""
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(float_list=tf.train.FloatList(value=[value])) for name, value in features.items()
            }
        )
    )


def read(serialized):
    """Return the features of each serialized example."""
    examples = map(tf.train.Example.FromString, serialized)
    return [{name: feature.float_list.value[0] for name, feature in each.features.feature.items()} for each in examples]


def test_serialize_examples_keeps_each():
    """Each example is a string of its own."""
    examples = input_pb2.ExampleList(examples=[example(x=1), example(x=2, y=3)])
    assert read(serialize(input_pb2.Input(example_list=examples))) == [{"x": 1}, {"x": 2, "y": 3}]


def test_serialize_context_is_merged_into_each_example():
    """The context's features are in every example, unless the example has its own."""
    examples = input_pb2.ExampleListWithContext(context=example(x=1, y=2), examples=[example(z=3), example(y=4)])
    merged = read(serialize(input_pb2.Input(example_list_with_context=examples)))
    assert merged == [{"x": 1, "y": 2, "z": 3}, {"x": 1, "y": 4}]


@pytest.mark.parametrize(
    "examples",
    [
        input_pb2.Input(),
        input_pb2.Input(example_list=input_pb2.ExampleList()),
        input_pb2.Input(example_list_with_context=input_pb2.ExampleListWithContext(context=example(x=1))),
    ],
)
def test_serialize_nothing_is_refused(examples):
    """No examples are an error, with or without a context."""
    with pytest.raises(InvalidArgumentError, match=r"^INVALID_ARGUMENT: Input is empty\.$"):
        serialize(examples)
