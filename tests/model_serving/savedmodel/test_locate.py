"""The search for dogs, on a network that takes red for dogs, and on the exported starter."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from model_serving.backbones import Classifier
from model_serving.backbones.backbone import FrozenNetwork
from model_serving.breeds import IMAGENET_DOGS
from model_serving.savedmodel.locate import (
    CELL_PIXELS,
    LEAST_BEST_SCORE,
    LEAST_SCORE,
    MAX_BOXES,
    MAX_LOCATE_PIXELS,
    locate,
)

Locate = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def locate_red() -> Locate:
    """A search whose network averages 32 x 32 pixels to a cell, and whose classifier takes red for a dog."""
    with tf.Graph().as_default() as graph:
        pixels = tf.compat.v1.placeholder(tf.uint8, [None, None, None, 3], "pixels")
        cells = tf.nn.avg_pool2d(tf.cast(pixels, tf.float32) / 255, CELL_PIXELS, CELL_PIXELS, "SAME")
    network = FrozenNetwork(graph.as_graph_def(), pixels.name, cells.name)
    kernel, bias = np.zeros((3, 1000), np.float32), np.zeros(1000, np.float32)
    kernel[0, IMAGENET_DOGS.start], bias[0] = 40, 30
    with tf.Graph().as_default():
        photos = tf.compat.v1.placeholder(tf.uint8, [None, None, None, 3])
        found = locate(photos, network, Classifier(kernel, bias))
        session = tf.compat.v1.Session()
    return lambda photo: session.run(found, {photos: photo})


def test_locate_finds_every_dog_best_first(locate_red: Locate) -> None:
    """Two red squares give two boxes that hold them, larger first, square in pixels, and nothing else."""
    photo = np.zeros((1, 600, 800, 3), np.uint8)
    photo[0, 300:500, 100:300, 0] = 255
    photo[0, 80:200, 600:720, 0] = 255
    boxes, scores = locate_red(photo)
    assert boxes.shape == (1, MAX_BOXES, 4)
    assert scores.shape == (1, MAX_BOXES)
    assert (scores[0, :2] > 0.5).all()
    assert not scores[0, 2:].any()
    assert not boxes[0, 2:].any()
    sides = np.array([600, 800, 600, 800])
    for box, square in zip(boxes[0, :2] * sides, ([300, 100, 500, 300], [80, 600, 200, 720]), strict=True):
        assert box[2] - box[0] == pytest.approx(box[3] - box[1], abs=1)
        inside = np.minimum(box[2:], square[2:]) - np.maximum(box[:2], square[:2])
        assert inside.prod() > 0.8 * (square[2] - square[0]) ** 2


def test_locate_finds_nothing_where_nothing_is(locate_red: Locate) -> None:
    """A photo without a dog has no box, whatever the window."""
    boxes, scores = locate_red(np.zeros((2, 300, 400, 3), np.uint8))
    assert not boxes.any()
    assert not scores.any()


def test_locate_tells_doubtful_dogs_only_beside_a_clear_one(locate_red: Locate) -> None:
    """A doubtful dog is told where the photo also has a clear one, and not told alone."""
    photos = np.zeros((2, 640, 640, 3), np.uint8)
    photos[:, 320:, 320:, 0] = 205
    photos[1, :160, :160, 0] = 255
    _, scores = locate_red(photos)
    assert not scores[0].any()
    assert scores[1].max() > LEAST_BEST_SCORE
    assert ((scores[1] >= LEAST_SCORE) & (scores[1] < LEAST_BEST_SCORE)).any()


@pytest.mark.parametrize("height_width", [(1, 1), (1, 3000), (3000, 1), (20, 30), (2048, 2048)])
def test_locate_keeps_boxes_inside_photos_of_any_size(locate_red: Locate, height_width: tuple[int, int]) -> None:
    """Tiny photos and strips are searched, and a box never leaves the photo or turns over."""
    boxes, scores = locate_red(np.full((1, *height_width, 3), (255, 0, 0), np.uint8))
    assert scores[0, 0] > 0.5
    found = boxes[scores > 0]
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (found[:, :2] < found[:, 2:]).all()


def test_locate_judges_each_photo_of_a_batch_by_itself(locate_red: Locate) -> None:
    """A photo gets the same boxes beside another as alone."""
    photos = np.zeros((2, 320, 320, 3), np.uint8)
    photos[0, :160, :160, 0] = photos[1, 160:, 160:, 0] = 255
    together = locate_red(photos)
    for number in range(2):
        alone = locate_red(photos[number : number + 1])
        np.testing.assert_allclose(together[0][number], alone[0][0], atol=1e-5)
        np.testing.assert_allclose(together[1][number], alone[1][0], atol=1e-5)


@pytest.mark.parametrize(
    ("height_width", "error"), [((0, 5), "must have pixels"), ((2049, 2048), f"may have {MAX_LOCATE_PIXELS} pixels")]
)
def test_locate_refuses_photos_beyond_its_limits(locate_red: Locate, height_width: tuple[int, int], error: str) -> None:
    """No pixels, or too many, is the caller's error, told as such."""
    with pytest.raises(tf.errors.InvalidArgumentError, match=error):
        locate_red(np.zeros((1, *height_width, 3), np.uint8))


def test_locate_finds_two_dogs_with_the_exported_starter(starter_model: Path, shared_images: Path) -> None:
    """The local server finds two dogs on green, each in a box of its own, by the weights of the other signatures."""
    servable = SavedModelServable.load(starter_model / "1", SessionSettings())
    first, second = (Image.open(path) for path in sorted((shared_images / "dogs").glob("*.jpg"))[:2])
    scene = Image.new("RGB", (1280, 960), (90, 140, 90))
    scene.paste(first.resize((400, 400)), (60, 500))
    scene.paste(second.resize((400, 400)), (820, 60))
    found = predict(servable, "locate", {"pixels": np.asarray(scene)[np.newaxis]})
    boxes = found["boxes"][0][found["box_scores"][0] > 0] * [960, 1280, 960, 1280]
    for centre in ((700, 260), (260, 1020)):
        assert any((box[:2] < centre).all() and (box[2:] > centre).all() for box in boxes)
