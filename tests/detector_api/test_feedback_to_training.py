"""The way of feedback: from a real gateway into the training of the next version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from dog_breed.command import main
from model_serving.savedmodel.card import ModelCard
from tests.photo_kinds import encode


def blots(seed: int) -> Image.Image:
    colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(colours).resize((48, 48), Image.Resampling.BICUBIC)


def test_train_also_on_feedback_learns_from_it(
    serving: Any, start_gateway: Callable[..., httpx.Client], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training learns from photos sent as feedback, except a picture of the test set; the card tells."""
    for index, (split, breed) in enumerate((s, b) for s in ("train", "valid", "test") for b in ("Akita", "Beagle")):
        (tmp_path / "data" / split / breed).mkdir(parents=True)
        for number in range(3):
            blots(10 * index + number).save(tmp_path / "data" / split / breed / f"{number}.png")

    folder = tmp_path / "feedback"
    folder.mkdir()
    gateway = start_gateway(serving_address=serving.address, feedback_folder=folder)
    for seed, breed in ((100, "akita"), (101, "Beagle"), (40, "Akita")):  # the last is a test photo
        photo = encode(blots(seed), "PNG")
        query = {"breed": breed, "keep": True}
        assert gateway.post("/api/v1/feedback", params=query, files={"dog_image": photo}).status_code == 201

    command = ["train", str(tmp_path / "data"), "--also", str(folder), "--backbone", "efficientnet_lite2"]
    command += ["--epochs", "1", "--weights", "random"]
    main([*command, "--model", str(tmp_path / "model"), "--cache", str(tmp_path / "features.sqlite")])
    assert "2 more training photos; 1 left out that are in valid or test" in capsys.readouterr().out
    card = ModelCard.from_json(next(tmp_path.glob("model/**/assets.extra/model_card.json")).read_text())
    assert card.training is not None
    assert card.training["photos"] == 6 + 2
    assert card.training["also"] == {"added": 2, "left_out": 1}
