"""The starter's accuracy on real photos."""

from pathlib import Path

import pytest

from model_serving.backbones import load_backbone, registered_backbone
from model_serving.data.dataset import LabelledPhoto
from model_serving.photos.labels import readable
from model_serving.savedmodel.export import export_imagenet_head
from model_serving.training.evaluate import evaluate

# Of the same weights in PyTorch, over all of ImageNet's classes: what a faithful port reaches at least.
THUMBNAIL_TOP1, THUMBNAIL_TOP5 = 0.748, 0.958
SAMPLE_TOP1, SAMPLE_TOP5 = 0.881, 1.0


@pytest.fixture(scope="module")
def reference_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the starter exported at the input size of the reference, which is that of its training."""
    size = registered_backbone("efficientnet_lite2").trained_size
    return export_imagenet_head(tmp_path_factory.mktemp("model"), load_backbone("efficientnet_lite2", size=size))


def test_evaluate_starter_on_thumbnails_reaches_the_reference(reference_version: Path, shared_images: Path) -> None:
    """On one thumbnail of each breed the starter is as good as its weights are elsewhere."""
    photos = [LabelledPhoto(path, readable(path.stem)) for path in sorted((shared_images / "dogs_small").glob("*.jpg"))]
    evaluation = evaluate(reference_version, photos)
    assert evaluation.metrics.photos == 117
    assert evaluation.unknown.keys() == {"African hunting dog", "Dhole", "Dingo"}  # wild, and so no breeds
    assert evaluation.metrics.top1 >= THUMBNAIL_TOP1
    assert evaluation.metrics.top5 >= THUMBNAIL_TOP5


def test_evaluate_starter_on_samples_reaches_the_reference(reference_version: Path, shared_images: Path) -> None:
    """On full-size photos, as far as their breed is one of ImageNet's, likewise."""
    names = (shared_images / "udacity_133_breeds.txt").read_text().splitlines()
    photos = [
        LabelledPhoto(path, readable(names[int(path.stem)])) for path in (shared_images / "udacity133").glob("*.jpg")
    ]
    photos += [
        LabelledPhoto(path, readable(path.stem.rpartition("_")[0])) for path in (shared_images / "dogs").glob("*.jpg")
    ]
    figures = evaluate(reference_version, photos).metrics
    assert figures.photos == 45
    assert figures.top1 >= SAMPLE_TOP1
    assert figures.top5 >= SAMPLE_TOP5
