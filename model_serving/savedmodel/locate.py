"""Search of whole photos for dogs, as stock ops: where the signature `locate` finds them.

The networks are convolutional and ImageNet's classifier is linear, so that one pass over the photo gives evidence for
every class at every cell of the feature map, and the mean over any window is what the classifier says of that window.
An integral image (Crow 1984) makes the mean of a window four reads. Sizes are in cells, whatever the model's
input size.
"""

from __future__ import annotations

import tensorflow as tf

from model_serving.backbones import Classifier
from model_serving.backbones.backbone import FrozenNetwork
from model_serving.breeds import IMAGENET_DOGS

MAX_BOXES = 8
# A photo of more pixels is refused: the gateway sends it shrunk.
MAX_LOCATE_PIXELS = 1 << 22
# Pixels of the photo to a cell of the feature map, along one side, in all backbones.
CELL_PIXELS = 32
# The photo is searched at two sizes, of about so many cells, with its aspect kept as far as whole cells allow: a
# network knows dogs of about the size that it was trained on. Those that fill most of a photo are found in the small
# one, those of a quarter of its height in the large one.
SEARCH_CELLS = (256, 900)
# Cells along a side: for one twenty times as long as the other the aspect is not kept.
LEAST_CELLS, MOST_CELLS = 2, 96
# Sides of the square windows, in cells.
WINDOW_CELLS = tuple(range(2, 15))
# Windows with a dog probability below this are not looked at further.
LEAST_PROBABILITY = 0.1
# A window that was chosen is told as a dog from this dog probability on. It is the mean over the window's cells that
# fits best, and high: of windows on dogs 97 % reach it, of those on cats or other things one in ten.
LEAST_SCORE = 0.88
# And only if the best of the photo's has this one: a cat's face or a thing seldom does, and among dogs, one is clear.
LEAST_BEST_SCORE = 0.91
# Windows are ranked by probability times side in cells to this power: of two as probable the larger wins.
SIDE_WEIGHT = 0.5
# Each side of a window is moved out by this share of its width. With more, small dogs are named worse.
MARGIN = 0.1
# Of two windows, with twice the margin, the better stays if more than this share of the smaller is in both. Two dogs
# side by side, whose windows touch, share a third.
MOST_OVERLAP = 0.35
# Windows that are compared with one another.
CANDIDATES = 400


def locate(pixels: tf.Tensor, network: FrozenNetwork, classifier: Classifier) -> tuple[tf.Tensor, tf.Tensor]:
    """Return boxes [N, 8, 4] and dog probabilities [N, 8] for whole photos uint8 [N, H, W, 3].

    A box is top, left, bottom, right as fractions of the photo, a square in its pixels with a margin round the dog,
    moved into the photo. The best comes first; what is left over is zero. `network` takes photos of any size.
    """
    height_width = tf.shape(pixels)[1:3]
    limits = [
        tf.debugging.assert_positive(height_width, "A photo must have pixels"),
        tf.debugging.assert_less_equal(
            tf.reduce_prod(tf.cast(height_width, tf.int64)),
            tf.constant(MAX_LOCATE_PIXELS, tf.int64),
            f"A photo to search may have {MAX_LOCATE_PIXELS} pixels: send it shrunk",
        ),
    ]
    with tf.control_dependencies(limits):
        photos = [_resize(pixels, search_cells(height_width, count) * CELL_PIXELS) for count in SEARCH_CELLS]
    found = [_windows(network.on(photo, name="locate"), classifier) for photo in photos]
    probabilities = tf.concat([of_size[0] for of_size in found], axis=1)
    windows, sides = (tf.concat([of_size[part] for of_size in found], axis=0) for part in (1, 2))
    dogs = tf.where(probabilities >= LEAST_PROBABILITY, probabilities, 0)
    candidates = tf.math.top_k(dogs * sides**SIDE_WEIGHT, tf.minimum(CANDIDATES, tf.size(sides))).indices
    chosen, scores = tf.map_fn(
        lambda photo: _best(tf.gather(windows, photo[0]), tf.gather(photo[1], photo[0])),
        (candidates, dogs),
        fn_output_signature=(tf.TensorSpec([MAX_BOXES, 4]), tf.TensorSpec([MAX_BOXES])),
    )
    boxes = _grow(chosen, tf.cast(height_width, tf.float32))
    return tf.where(scores[..., tf.newaxis] > 0, boxes, 0), scores


def search_cells(height_width: tf.Tensor, count: int) -> tf.Tensor:
    """Return height and width in cells, about `count` of them, for a photo of `height_width` pixels, int32 [2]."""
    sides = tf.cast(height_width, tf.float32)
    cells = tf.round(sides * tf.sqrt(count / tf.reduce_prod(sides)))
    return tf.cast(tf.clip_by_value(cells, LEAST_CELLS, MOST_CELLS), tf.int32)


def _resize(pixels: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return the photos as uint8 of `size`, by Pillow's antialiased cubic filter."""
    scale = tf.cast(size, tf.float32) / tf.cast(tf.shape(pixels)[1:3], tf.float32)
    resized = tf.raw_ops.ScaleAndTranslate(
        images=pixels, size=size, scale=scale, translation=[0.0, 0.0], kernel_type="keyscubic", antialias=True
    )
    return tf.cast(tf.round(tf.clip_by_value(resized, 0, 255)), tf.uint8)


def _windows(features: tf.Tensor, classifier: Classifier) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the windows' dog probabilities [N, windows], themselves as fractions [windows, 4], and sides in cells."""
    logits = tf.einsum("nhwf,fc->nhwc", features, classifier.kernel) + classifier.bias
    integral = tf.cumsum(tf.cumsum(tf.pad(logits, [[0, 0], [1, 0], [1, 0], [0, 0]]), axis=1), axis=2)
    cells = tf.shape(features)[1:3]
    probabilities, windows = [], []
    for side in WINDOW_CELLS:
        size = tf.minimum(side, cells)  # a window larger than a flat photo takes all of its height
        height, width = size[0], size[1]
        last = cells - size
        sums = (
            integral[:, height:, width:]
            - integral[:, height:, : last[1] + 1]
            - integral[:, : last[0] + 1, width:]
            + integral[:, : last[0] + 1, : last[1] + 1]
        )
        classes = tf.nn.softmax(sums / tf.cast(height * width, tf.float32))
        dogs = tf.reduce_sum(classes[..., IMAGENET_DOGS], axis=-1)
        probabilities.append(tf.reshape(dogs, [tf.shape(dogs)[0], (last[0] + 1) * (last[1] + 1)]))
        top_left = tf.stack(tf.meshgrid(tf.range(last[0] + 1), tf.range(last[1] + 1), indexing="ij"), axis=-1)
        windows.append(tf.reshape(tf.concat([top_left, top_left + size], axis=-1), [-1, 4]))
    in_cells = tf.cast(tf.concat(windows, axis=0), tf.float32)
    sides = tf.sqrt(tf.reduce_prod(in_cells[:, 2:] - in_cells[:, :2], axis=1))
    return tf.concat(probabilities, axis=1), in_cells / tf.cast(tf.tile(cells, [2]), tf.float32), sides


def _best(windows: tf.Tensor, scores: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the first windows that show different dogs, [8, 4], and their scores [8], of windows best first."""
    margin = 2 * MARGIN * (windows[:, 2:] - windows[:, :2])
    start, end = windows[:, :2] - margin, windows[:, 2:] + margin
    shared = tf.maximum(tf.minimum(end[:, tf.newaxis], end) - tf.maximum(start[:, tf.newaxis], start), 0)
    area = tf.reduce_prod(end - start, axis=1)
    overlaps = tf.reduce_prod(shared, axis=-1) / tf.minimum(area[:, tf.newaxis], area)
    # They come ranked, not by score alone: the op is told the rank.
    order = tf.range(tf.size(scores), 0, -1)
    chosen = tf.raw_ops.NonMaxSuppressionWithOverlaps(
        overlaps=overlaps,
        scores=tf.where(scores > 0, tf.cast(order, tf.float32), 0),
        max_output_size=MAX_BOXES,
        overlap_threshold=MOST_OVERLAP,
        score_threshold=0.5,
    )
    of_chosen = tf.gather(scores, chosen)
    has_dogs = tf.reduce_max(of_chosen) >= LEAST_BEST_SCORE  # of none the maximum is the least of all numbers
    chosen = tf.boolean_mask(chosen, (of_chosen >= LEAST_SCORE) & has_dogs)
    missing = [[0, MAX_BOXES - tf.size(chosen)]]
    return tf.pad(tf.gather(windows, chosen), [*missing, [0, 0]]), tf.pad(tf.gather(scores, chosen), missing)


def _grow(windows: tf.Tensor, height_width: tf.Tensor) -> tf.Tensor:
    """Return windows [N, 8, 4] as boxes that are squares in pixels with the margin, inside the photo."""
    top_left, bottom_right = windows[..., :2] * height_width, windows[..., 2:] * height_width
    side = tf.reduce_max(bottom_right - top_left, axis=-1, keepdims=True) * (1 + 2 * MARGIN)
    side = tf.minimum(side, tf.reduce_min(height_width))
    start = tf.clip_by_value((top_left + bottom_right - side) / 2, 0, tf.maximum(height_width - side, 0))
    return tf.clip_by_value(tf.concat([start, start + side], axis=-1) / tf.tile(height_width, [2]), 0, 1)
