"""The exported SavedModel against its contract."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from model_serving.backbones import RANDOM, Backbone, Classifier, load_backbone, registered_backbone
from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS
from model_serving.errors import WeightsUnavailableError
from model_serving.photos import read_pixels
from model_serving.savedmodel.card import FOUND_THRESHOLD, ON_DEVICE_FILE, ModelCard
from model_serving.savedmodel.export import WARMUP_FILE, export_imagenet_head, export_model

ANSWER = {"probabilities", "top_breeds", "top_probabilities", "dog_probability", "found_probability", "familiarity"}
GEOMETRY = registered_backbone("efficientnet_lite2").geometry
SIZE = GEOMETRY.size


@pytest.fixture(scope="module")
def starter(starter_model: Path) -> SavedModelServable:
    return SavedModelServable.load(starter_model / "1", SessionSettings())


def test_export_names_every_input_and_output_on_purpose(starter: SavedModelServable) -> None:
    """The names of the contract, whatever Keras called its layers (the original's first defect)."""
    inputs = {name: set(signature.inputs) for name, signature in starter.signatures.items()}
    outputs = {name: set(signature.outputs) for name, signature in starter.signatures.items()}
    assert inputs == {
        "serving_default": {"image_bytes"},
        "pixels": {"pixels"},
        "explain": {"pixels"},
        "locate": {"pixels"},
        "describe": {"unused"},
    }
    assert outputs == {
        "serving_default": ANSWER,
        "pixels": ANSWER,
        "explain": ANSWER | {"heatmap"},
        "locate": {"boxes", "box_scores"},
        "describe": {"model_card"},
    }
    pixels = starter.signatures["pixels"].inputs["pixels"]
    assert pixels.dtype == tf.uint8.as_datatype_enum
    assert [dim.size for dim in pixels.tensor_shape.dim] == [-1, SIZE, SIZE, 3]


def test_export_carries_its_own_labels(starter: SavedModelServable) -> None:
    """The list of breeds lives in the model: the card has it, and top_breeds speaks it."""
    card = json.loads(predict(starter, "describe", {})["model_card"][0])
    assert tuple(card["breeds"]) == IMAGENET_BREEDS
    assert ModelCard.from_json(json.dumps(card)).backbone == "efficientnet_lite2"
    outputs = predict(starter, "pixels", {"pixels": np.zeros((1, SIZE, SIZE, 3), np.uint8)})
    best = np.argsort(-outputs["probabilities"][0])[:5]
    assert [name.decode() for name in outputs["top_breeds"][0]] == [card["breeds"][i] for i in best]
    np.testing.assert_allclose(outputs["top_probabilities"][0], outputs["probabilities"][0][best])


def test_export_answers_as_the_keras_network_does(starter: SavedModelServable, shared_images: Path) -> None:
    """Freezing changes no answer: the served graph equals network, pooling and softmax, on real photos."""
    backbone = load_backbone("efficientnet_lite2")
    paths = sorted((shared_images / "dogs").glob("*.jpg"))
    pixels = np.stack([np.asarray(read_pixels(path.read_bytes(), backbone.geometry)) for path in paths])
    pooled = backbone.network(pixels.astype(np.float32), training=False).numpy().mean((1, 2))
    logits = pooled @ backbone.imagenet.kernel + backbone.imagenet.bias
    all_classes = tf.nn.softmax(logits).numpy()

    outputs = predict(starter, "pixels", {"pixels": pixels})
    card = ModelCard.from_json(predict(starter, "describe", {})["model_card"][0])
    dogs = tf.nn.softmax(logits[:, IMAGENET_DOGS] / card.temperature).numpy()
    np.testing.assert_allclose(outputs["probabilities"], dogs, atol=1e-4)
    best = np.argsort(-dogs, axis=1)[:, :5]
    assert outputs["top_breeds"].tolist() == [[IMAGENET_BREEDS[index].encode() for index in row] for row in best]
    np.testing.assert_allclose(outputs["dog_probability"], all_classes[:, IMAGENET_DOGS].sum(1), atol=1e-4)
    sharp = tf.nn.softmax(logits / card.temperature).numpy()
    np.testing.assert_allclose(outputs["found_probability"], sharp[:, IMAGENET_DOGS].sum(1), atol=1e-4)
    assert (outputs["found_probability"] > FOUND_THRESHOLD).all()


def test_export_answers_the_same_to_encoded_photos(starter: SavedModelServable, shared_images: Path) -> None:
    """A REST client that sends the file reads the same breed as the gateway that sends pixels."""
    for path in sorted((shared_images / "dogs").glob("*.jpg")):
        photo = path.read_bytes()
        pixels = np.asarray(read_pixels(photo, GEOMETRY))[np.newaxis]
        by_pixels = predict(starter, "pixels", {"pixels": pixels})
        by_bytes = predict(starter, "serving_default", {"image_bytes": np.array([photo], object)})
        assert by_bytes["top_breeds"][0, 0] == by_pixels["top_breeds"][0, 0]
        np.testing.assert_allclose(by_bytes["probabilities"], by_pixels["probabilities"], atol=0.05)


def test_export_explains_with_a_heat_map(starter: SavedModelServable, shared_images: Path) -> None:
    """The heat map lies in 0..1 and is hottest somewhere on each photo."""
    photo = (shared_images / "dogs" / "Brittany_02625.jpg").read_bytes()
    pixels = np.asarray(read_pixels(photo, GEOMETRY))[np.newaxis]
    heatmap = predict(starter, "explain", {"pixels": pixels})["heatmap"]
    assert heatmap.shape == (1, 11, 11)
    assert heatmap.min() >= 0
    assert heatmap.max() == 1


def test_export_refuses_pixels_of_another_size(starter: SavedModelServable) -> None:
    """A client that kept the size of another version gets an error, not a breed."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        predict(starter, "pixels", {"pixels": np.zeros((1, 224, 224, 3), np.uint8)})


def test_export_warms_every_signature(starter_model: Path) -> None:
    """The first person to ask does not wait for the graph to be optimised."""
    records = tf.data.TFRecordDataset(str(starter_model / "1" / WARMUP_FILE)).as_numpy_iterator()
    requests = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    assert [request.model_spec.signature_name for request in requests] == [
        "serving_default",
        "pixels",
        "explain",
        "locate",
        "describe",
    ]


def test_export_stores_weights_once(starter_model: Path) -> None:
    """Five signatures share one copy: the version is hardly larger than its 6.1 million float32 weights."""
    network = load_backbone("efficientnet_lite2")
    weights = network.network.count_params() + network.imagenet.kernel.size
    version = starter_model / "1"
    files = {path for path in version.rglob("*") if path.is_file()} - {version / ON_DEVICE_FILE}  # a model of its own
    assert sum(path.stat().st_size for path in files) < 1.2 * 4 * weights


@dataclass(frozen=True)
class DenseNet:
    """The default backbone at random weights, exported with a head of 133 breeds, and what Keras says of photos."""

    backbone: Backbone
    servable: SavedModelServable
    breeds: tuple[str, ...]
    pixels: np.ndarray
    expected: np.ndarray


@pytest.fixture(scope="module")
def densenet201(tmp_path_factory: pytest.TempPathFactory, shared_images: Path) -> DenseNet:
    """Return the default backbone, exported.

    Its normalisations have negative, tiny and zero factors, as trained ones do, which is where rewrites go wrong.
    """
    keras.utils.set_random_seed(0)
    backbone = load_backbone("densenet201", RANDOM)
    paths = sorted((shared_images / "dogs").glob("*.jpg"))
    pixels = np.stack([np.asarray(read_pixels(path.read_bytes(), backbone.geometry)) for path in paths])
    _randomize_normalizations(backbone.network, pixels.astype(np.float32))
    pooled = backbone.network(pixels.astype(np.float32), training=False).numpy().mean((1, 2))
    kernel = np.random.default_rng(0).normal(0, 0.2, (1920, 133)).astype(np.float32)
    expected = tf.nn.softmax((pooled - pooled.mean(0)) @ kernel).numpy()

    head = Classifier(kernel, -pooled.mean(0) @ kernel)
    breeds = tuple(f"Breed {number}" for number in range(133))
    card = ModelCard("trained", backbone.name, 224, 1.0, breeds, detects_dogs=False)
    version = export_model(tmp_path_factory.mktemp("densenet201"), backbone, head, card)
    return DenseNet(backbone, SavedModelServable.load(version, SessionSettings()), breeds, pixels, expected)


def test_export_of_densenet201_answers_as_the_keras_network_does(densenet201: DenseNet) -> None:
    """The default backbone, as exported: the same five breeds on real photos, and probabilities within 1e-4."""
    assert densenet201.expected.max() > 0.1  # photos and breeds are told apart
    outputs = predict(densenet201.servable, "explain", {"pixels": densenet201.pixels})
    np.testing.assert_allclose(outputs["probabilities"], densenet201.expected, atol=1e-4)
    best = np.argsort(-densenet201.expected, axis=1)[:, :5]
    named = [[densenet201.breeds[index].encode() for index in row] for row in best]
    assert outputs["top_breeds"].tolist() == named


def _randomize_normalizations(network: keras.Model, pixels: np.ndarray) -> None:
    """Give every normalisation factors such as training leaves, and the statistics of these photos."""
    numbers = np.random.default_rng(0)
    normalizations = [layer for layer in _layers(network) if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in normalizations:
        size = layer.gamma.shape[0]
        kinds = numbers.choice([1, -1, 1e-6, 0], size, p=[0.75, 0.1, 0.1, 0.05])
        layer.gamma.assign(kinds * numbers.uniform(0.5, 1.5, size))
        layer.beta.assign(numbers.normal(0, 0.5, size))
        layer.momentum = 0.0
    network(pixels, training=True)


def _layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in network.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else [layer]


def test_export_of_densenet201_keeps_the_shapes(densenet201: DenseNet) -> None:
    """The default backbone, as exported, keeps the contract's shapes and claims no dogs."""
    outputs = predict(densenet201.servable, "explain", {"pixels": densenet201.pixels[:2]})
    shapes = {name: value.shape for name, value in outputs.items()}
    assert shapes == {
        "probabilities": (2, 133),
        "top_breeds": (2, 5),
        "top_probabilities": (2, 5),
        "dog_probability": (2,),
        "familiarity": (2,),
        "heatmap": (2, 7, 7),
    }
    assert list(outputs["dog_probability"]) == list(outputs["familiarity"]) == [1, 1]


def test_export_of_a_head_that_the_backbone_lacks_writes_nothing(densenet201: DenseNet, tmp_path: Path) -> None:
    """Random weights have no classifier of ImageNet's: the error says so, and no version is begun."""
    with pytest.raises(WeightsUnavailableError, match="no head to export"):
        export_imagenet_head(tmp_path, densenet201.backbone)
    assert list(tmp_path.iterdir()) == []
