"""TensorProto and numpy arrays convert as in TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from local_server.inference.tensors import OversizeError, fill_proto, to_array

ARRAYS = [
    np.float32([[1.5, -2.25], [np.inf, 0]]),
    np.float64(3.25),
    np.float16([1.5, 2]),
    np.array([1.5, 2], tf.bfloat16.as_numpy_dtype),
    *(np.array([0, 7, 100], dtype) for dtype in (np.int8, np.int16, np.int32, np.int64)),
    *(np.array([0, 7, 100], dtype) for dtype in (np.uint8, np.uint16, np.uint32, np.uint64)),
    np.array([True, False]),
    np.array([1 + 2j, 3], np.complex64),
    np.array([1 + 2j, 3], np.complex128),
    np.array([[b"a", b""], [b"\x00\xff", b"c" * 300]], object),
    np.zeros((0, 3), np.float32),
]


def ids(array):
    """Name a case by its dtype and shape."""
    return f"{array.dtype}{list(array.shape)}"


@pytest.mark.parametrize("as_content", [False, True])
@pytest.mark.parametrize("array", ARRAYS, ids=ids)
def test_fill_proto_reads_back_as_the_same_array(array, as_content):
    """Tensors written in either form are read back, dtype and shape included."""
    proto = tensor_pb2.TensorProto()
    fill_proto(proto, array, as_content)
    back = to_array(proto)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("array", ARRAYS, ids=ids)
def test_fill_proto_is_what_tensorflow_reads(array):
    """Typed fields hold what TensorFlow expects in them."""
    proto = tensor_pb2.TensorProto()
    fill_proto(proto, array, as_content=False)
    assert not proto.tensor_content
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)


@pytest.mark.parametrize("array", ARRAYS, ids=ids)
def test_to_array_reads_what_tensorflow_writes(array):
    """TensorProtos of TensorFlow's own making are read right."""
    np.testing.assert_array_equal(to_array(tf.make_tensor_proto(array)), array)


@pytest.mark.parametrize("field", ["int_val", "half_val"])
def test_to_array_cuts_integers_that_are_too_large(field):
    """Narrow types travel in 32 bits, of which TensorFlow takes the lower ones."""
    dtypes = (tf.float16, tf.bfloat16) if field == "half_val" else (tf.int8, tf.uint8, tf.int16, tf.uint16)
    for dtype in dtypes:
        proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape={"dim": [{"size": 3}]})
        getattr(proto, field).extend([2**31 - 1, -1, 70_000])
        expected = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
        assert to_array(proto).tobytes() == expected.tobytes()


@pytest.mark.parametrize(("values", "expected"), [([], [0, 0, 0]), ([1, 2], [1, 2, 2]), ([1, 2, 3, 4], [1, 2, 3])])
def test_to_array_fits_values_to_the_shape(values, expected):
    """Too few values are filled up with the last, none with zeros, too many are cut."""
    proto = tensor_pb2.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 3}]}, float_val=values)
    assert to_array(proto).tolist() == expected


@pytest.mark.parametrize(
    "proto",
    [
        tensor_pb2.TensorProto(),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"dim": [{"size": -1}]}),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"unknown_rank": True}),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 2}]}, tensor_content=b"1234"),
        tensor_pb2.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 1}]}, tensor_content=b"123"),
        tensor_pb2.TensorProto(dtype=7, tensor_shape={"dim": [{"size": 1}]}, tensor_content=b"\x05abc"),
        tensor_pb2.TensorProto(dtype=7, tensor_shape={"dim": [{"size": 1}]}, tensor_content=b"\x80"),
    ],
)
def test_to_array_incomplete_tensor_is_refused(proto):
    """A proto with no dtype, an open shape or the wrong amount of content is no tensor."""
    with pytest.raises(ValueError, match=r"tensor_content|unknown|buffer size"):
        to_array(proto)


def test_to_array_of_strings_without_values_holds_empty_ones():
    """A string tensor that sends no value is filled up with empty strings, as TensorFlow does it."""
    proto = tensor_pb2.TensorProto(dtype="DT_STRING", tensor_shape={"dim": [{"size": 2}]})
    assert to_array(proto).tolist() == [b"", b""]


def test_to_array_of_strings_counts_what_tensorflow_needs_for_each():
    """The limit of repeated values counts 24 bytes a string."""
    proto = tensor_pb2.TensorProto(dtype="DT_STRING", tensor_shape={"dim": [{"size": 10**9}]}, string_val=[b"a"])
    with pytest.raises(OversizeError, match="its shape needs 24000000000 bytes"):
        to_array(proto)
