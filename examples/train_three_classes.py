"""Train on a folder of three classes that this script draws: `python examples/train_three_classes.py [FOLDER]`.

The version is then in FOLDER/models, for `tensorflow_model_server` or `dog-breed run --model FOLDER/models` to serve.
Needs the extra `serving`.
"""

import math
import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from dog_breed.command import main

PHOTOS_A_CLASS = 20
SIDE = 128


def draw(corners: int, chance: random.Random) -> Image.Image:
    """Return a picture of a polygon of any colour, size and angle on a background of another colour."""
    light, dark = [chance.randrange(150, 256) for _ in "rgb"], [chance.randrange(0, 106) for _ in "rgb"]
    picture = Image.new("RGB", (SIDE, SIDE), tuple(dark))
    radius, turn = chance.uniform(0.25, 0.45) * SIDE, chance.uniform(0, math.tau)
    angles = [turn + math.tau * corner / corners for corner in range(corners)]
    points = [(SIDE / 2 + radius * math.cos(angle), SIDE / 2 + radius * math.sin(angle)) for angle in angles]
    ImageDraw.Draw(picture).polygon(points, fill=tuple(light))
    return picture


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "three_classes")
chance = random.Random(1)
for name, corners in {"triangle": 3, "square": 4, "circle": 60}.items():
    (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
    for number in range(PHOTOS_A_CLASS):
        draw(corners, chance).save(folder / "photos" / name / f"{number}.jpg")

command = ["train", str(folder / "photos"), "--backbone", "efficientnet_lite2"]
main([*command, "--model", str(folder / "models"), "--cache", str(folder / "features.sqlite")])
