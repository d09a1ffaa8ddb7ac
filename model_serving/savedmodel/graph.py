"""The served graph: encoded photos or pixels in, probabilities, breeds and a heat map out, as one frozen graph.

All signatures share one graph and one copy of the weights: `pixels`, the result of decoding, is a tensor that a client
may feed itself, and then nothing before it runs.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from PIL import Image

from model_serving.backbones import Backbone, Classifier
from model_serving.backbones.backbone import FrozenNetwork, Networks
from model_serving.breeds import IMAGENET_DOGS
from model_serving.photos.labels import TOP_K
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.decode import decode_photo
from model_serving.savedmodel.familiarity import familiarity_score, quantile_values, share_below, shown_share
from model_serving.savedmodel.imagenet_calibrations import classifier_temperature
from model_serving.savedmodel.locate import CELL_PIXELS, locate
from model_serving.savedmodel.signatures import DESCRIBE, EXPLAIN, LOCATE, PIXELS, SERVING_DEFAULT, Signature

# Names of nodes by which `recalibration.py` finds them again in an exported graph: tensors, then constants.
LOGITS, DOG_PROBABILITY, SHOWN_SHARE = "logits", "dog_probability", "shown_share"
TEMPERATURE, QUANTILES, CARD = "temperature", "familiarity_quantiles", "card"


@dataclass(frozen=True)
class ServedGraph:
    """A TensorFlow graph and its signatures."""

    graph: tf.Graph
    signatures: tuple[Signature, ...]


def build_graph(backbone: Backbone, networks: Networks, head: Classifier, card: ModelCard) -> ServedGraph:
    """Return the graph of `backbone`, as `networks`, under `head`, whose classes are `card.breeds`, with signatures."""
    network, size = networks.at_size, backbone.geometry.size
    searching = networks.at_any_size if card.locates else None
    with tf.Graph().as_default() as graph:
        image_bytes = tf.compat.v1.placeholder(tf.string, [None], "image_bytes")
        decoded = tf.map_fn(
            lambda photo: decode_photo(photo, backbone.geometry),
            image_bytes,
            fn_output_signature=tf.TensorSpec([size, size, 3], tf.uint8),
            parallel_iterations=1,  # one decoded photo in memory, however many a request holds
        )
        pixels = tf.identity(decoded, "pixels")
        # Fed pixels of another size would pass the convolutions and give a wrong answer.
        features = network.on(tf.ensure_shape(pixels, [None, size, size, 3]), name="backbone")
        outputs, heatmap = _classify(features, backbone.imagenet, head, card)
        # The REST API refuses a signature without inputs, so `describe` has one that nobody needs to send over gRPC.
        unused = tf.compat.v1.placeholder(tf.string, [None], "unused")
        model_card = tf.repeat(tf.constant([card.to_json()], name=CARD), tf.size(unused), name="model_card")
        located = [_locate(searching, backbone.imagenet)] if searching and backbone.imagenet else []
    blank = np.zeros((1, size, size, 3), np.uint8)
    nothing = {"unused": np.array([""], object)}
    return ServedGraph(
        graph,
        (
            Signature(SERVING_DEFAULT, {"image_bytes": image_bytes}, outputs, {"image_bytes": _as_jpeg(blank)}),
            Signature(PIXELS, {"pixels": pixels}, outputs, {"pixels": blank}),
            Signature(EXPLAIN, {"pixels": pixels}, outputs | {"heatmap": heatmap}, {"pixels": blank}),
            *located,
            Signature(DESCRIBE, {"unused": unused}, {"model_card": model_card}, nothing, defaults=nothing),
        ),
    )


def _locate(network: FrozenNetwork, imagenet: Classifier) -> Signature:
    photos = tf.compat.v1.placeholder(tf.uint8, [None, None, None, 3], "photos")
    boxes, scores = locate(photos, network, imagenet)
    outputs = {"boxes": tf.identity(boxes, "boxes"), "box_scores": tf.identity(scores, "box_scores")}
    blank = np.zeros((1, CELL_PIXELS, CELL_PIXELS, 3), np.uint8)
    return Signature(LOCATE, {"pixels": photos}, outputs, {"pixels": blank})


def _as_jpeg(pixels: np.ndarray) -> np.ndarray:
    """Return photos uint8 [N, H, W, 3] as encoded JPEGs, object [N]."""
    encoded = []
    for photo in pixels:
        file = io.BytesIO()
        Image.fromarray(photo).save(file, "JPEG")
        encoded.append(file.getvalue())
    return np.array(encoded, object)


def _classify(
    features: tf.Tensor, imagenet: Classifier | None, head: Classifier, card: ModelCard
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Return the outputs named in the contract, and the heat map of the first breed."""
    pooled = tf.reduce_mean(features, [1, 2])
    logits = tf.add(tf.matmul(pooled, head.kernel), head.bias, name=LOGITS)
    temperature = tf.constant(card.temperature, name=TEMPERATURE)
    probabilities = tf.nn.softmax(logits / temperature, name="probabilities")
    known = None if imagenet is None else tf.matmul(pooled, imagenet.kernel) + imagenet.bias
    classes = None if known is None else tf.nn.softmax(known)
    share = tf.identity(_shown_share(pooled, classes, card), SHOWN_SHARE)
    quantiles = tf.constant(quantile_values(card.familiarity), name=QUANTILES)
    familiarity = share_below(familiarity_score(logits, temperature, share, card.head), quantiles)
    top_probabilities, top_indices = tf.math.top_k(probabilities, min(TOP_K, len(card.breeds)))
    outputs = {
        "probabilities": probabilities,
        "top_breeds": tf.gather(tf.constant(card.breeds), top_indices, name="top_breeds"),
        "top_probabilities": tf.identity(top_probabilities, "top_probabilities"),
        "dog_probability": tf.identity(_dog_probability(pooled, classes), DOG_PROBABILITY),
        "familiarity": tf.identity(familiarity, "familiarity"),
    }
    if card.locates and known is not None:
        sharp = tf.nn.softmax(known / classifier_temperature(card))
        outputs["found_probability"] = tf.identity(_dog_probability(pooled, sharp), "found_probability")
    return outputs, _heatmap(features, head, top_indices[:, 0])


def _dog_probability(pooled: tf.Tensor, classes: tf.Tensor | None) -> tf.Tensor:
    """Return what ImageNet's classifier gives to all its dogs together; 1 if the backbone came without classifier."""
    return tf.ones_like(pooled[:, 0]) if classes is None else tf.reduce_sum(classes[:, IMAGENET_DOGS], axis=1)


def _shown_share(pooled: tf.Tensor, classes: tf.Tensor | None, card: ModelCard) -> tf.Tensor:
    """Return the share of ImageNet's classifier on the classes that the model's photos show; 1 without classifier."""
    shown = card.familiarity.shown_classes
    return tf.ones_like(pooled[:, 0]) if classes is None or not shown else shown_share(classes, shown)


def _heatmap(features: tf.Tensor, head: Classifier, breed: tf.Tensor) -> tf.Tensor:
    """Return the class activation map (Zhou et al. 2016) of `breed`, [N, h, w], scaled so that its maximum is 1.

    The mean over breeds is taken off the kernel first: it moves all logits alike, so it is no evidence for any of them.
    """
    evidence = head.kernel - head.kernel.mean(axis=1, keepdims=True)
    activation = tf.nn.relu(tf.einsum("nhwf,nf->nhw", features, tf.gather(evidence.T, breed)))
    return tf.math.divide_no_nan(activation, tf.reduce_max(activation, [1, 2], keepdims=True), name="heatmap")
