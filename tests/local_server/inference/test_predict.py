"""A request is checked against the signature before it runs; the APIs' tests have the other faults."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from local_server.errors import InvalidArgumentError
from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings


@pytest.fixture
def servable(models):
    """The test model, whose input `b` of the signature `two` has a default."""
    servable = SavedModelServable.load(models.saved[2.0], SessionSettings())
    servable.signatures["two"].defaults["b"].CopyFrom(tf.make_tensor_proto([10.0]))
    yield servable
    servable.close()


def test_predict_left_out_input_has_its_default(servable):
    """An input with a default need not be sent."""
    assert predict(servable, "two", {"a": np.float32([1])}, ["total"])["total"].tolist() == [11.0]


def test_predict_wrong_input_in_place_of_a_default_is_refused(servable):
    """As many inputs as the signature has, one of which it does not know, are refused in TensorFlow Serving's words."""
    one = np.float32([1])
    with pytest.raises(InvalidArgumentError) as error:
        predict(servable, "two", {"a": one, "w": one})
    assert error.value.message == ("Inputs contains invalid name. Used request inputs: a, request input: a,w")
