"""Kills `dog-breed train` (kill -9) again and again at random moments, and looks after each whether anything was hurt.

    .venv/bin/python -m benchmarks.kills [--times 50] [--seed 1]

A run that nobody disturbs comes first; what it is seen to do divides it into stages. Each kill falls at a random moment
of a random stage, so that short stages are hit as often as long ones. After it every version that was there is the same
to the byte, any new one is whole and answers, and the live one is live, or the new one. A last run without a kill must
end with the model of the first, and with nothing left over. The photos are drawn; the backbone is the starter's.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from model_serving.data.batches import decoded_batches, map_decoded
from model_serving.data.files import photos_below
from model_serving.releases.shelf import find_version, live_version, shelved_versions
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.versions import list_versions

BREEDS = ("Akita", "Beagle", "Collie")
PHOTOS_A_BREED = 8
# What the same features, computed in other batches after a kill, may change of a probability.
TOLERANCE = 1e-3
START, LISTED, EXTRACTING, FITTED, WRITING, WRITTEN, DECIDED = STAGES = (
    "start",
    "photos are listed",
    "features are extracted",
    "head is fitted",
    "version is written",
    "version is on the shelf",
    "version is live or not",
)
_LOGGED = {LISTED: b"photos of", EXTRACTING: b"train:", FITTED: b"head fitted", DECIDED: b"\nversion "}
_POLL_SECONDS = 0.002


class HurtError(Exception):
    """Raised when a kill has cost something; the message says what."""


@dataclass(frozen=True)
class State:
    """A hash of all that is in each version, and the number of the live one."""

    versions: dict[int, str]
    live: int | None


class Trainer:
    """`dog-breed train` on one folder of photos, into one folder of versions."""

    def __init__(self, photos: Path, work: Path) -> None:
        work.mkdir()
        self.photos, self.model, self.cache, self._log = photos, work / "model", work / "cache.sqlite", work / "log"

    def run(self, stage: str | None = None, seconds: float = 0.0) -> dict[str, float]:
        """Train, or be killed so many `seconds` after `stage` began; return when each stage began, in seconds.

        Raises `HurtError` if it ends in any other way than well or killed.
        """
        command = [sys.executable, "-u", "-m", "dog_breed", "train", str(self.photos), "--epochs", "3"]
        command += ["--backbone", "efficientnet_lite2", "--model", str(self.model), "--cache", str(self.cache)]
        before = self._folders()
        with self._log.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
            start = time.monotonic()
            begun = {START: 0.0}
            while process.poll() is None:
                now = time.monotonic() - start
                begun = dict.fromkeys(self._stages(self._folders() - before), now) | begun
                if stage in begun and now >= begun[stage] + seconds:
                    process.kill()
                time.sleep(_POLL_SECONDS)
        if process.returncode not in (0, -9):
            raise HurtError(f"a run ended with {process.returncode}: {self._log.read_text()[-500:]}")
        return {name: begun[name] for name in STAGES if name in begun}

    def state(self) -> State:
        """Return what is in the folder of versions now."""
        numbers = [*list_versions(self.model), *shelved_versions(self.model)]
        versions = {number: _digest(find_version(self.model, number)) for number in numbers}
        return State(versions, live_version(self.model))

    def probabilities(self, version: int) -> np.ndarray:
        """Return the probabilities [N, breeds] that a version gives to every photo."""
        with ExportedModel(find_version(self.model, version)) as model:
            batches = decoded_batches(photos_below(self.photos), model.card.geometry)
            asked = (map_decoded(batch, lambda pixels: model.ask(pixels)["probabilities"]) for batch in batches)
            return np.array([probabilities for answered in asked for _, probabilities in answered])

    def leftovers(self) -> list[str]:
        """Return what lies among the versions and is none."""
        folders = (self.model, self.model / ".shelf")
        return [str(path) for folder in folders for path in folder.glob(".*") if path.name != ".shelf"]

    def cache_is_sound(self) -> bool:
        """Tell whether SQLite finds no fault with the cache of features, if there is one."""
        if not self.cache.exists():
            return True
        with closing(sqlite3.connect(self.cache)) as database:
            return database.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def _folders(self) -> set[str]:
        return {path.name for path in (*self.model.glob(".incoming-*"), *self.model.glob(".shelf/*"))}

    def _stages(self, new: set[str]) -> list[str]:
        log = self._log.read_bytes()
        seen = [name for name, text in _LOGGED.items() if text in log]
        seen += [WRITING] if any(name.startswith(".") for name in new) else []
        return seen + ([WRITTEN] if any(name.isdecimal() for name in new) else [])


def kill(times: int, seed: int, work: Path) -> Counter[str]:
    """Kill the trainer so many times below the new folder `work`; return how often in which stage it was.

    Raises `HurtError` if that has cost more than the run that was killed.
    """
    chance = random.Random(seed)
    photos = work / "photos"
    _draw(photos)
    undisturbed, trainer = Trainer(photos, work / "undisturbed"), Trainer(photos, work / "killed")
    begun = undisturbed.run()
    print({name: round(x, 2) for name, x in begun.items()})
    lengths = dict(zip(begun, np.diff([*begun.values(), begun[DECIDED] + 0.5]), strict=True))
    hits: Counter[str] = Counter()
    before = State({}, None)
    for number in range(times):
        if chance.random() < 0.5:  # so that there are features to extract
            for file in trainer.cache.parent.glob(f"{trainer.cache.name}*"):
                file.unlink()
        stage = chance.choice(STAGES)
        hit = list(trainer.run(stage, chance.random() * lengths[stage]))[-1]
        hits[hit] += 1
        before = _checked(trainer, before)
        print(f"kill {number + 1} of {times}: {hit!r}; {len(before.versions)} whole versions", flush=True)
    trainer.run()
    _compare(undisturbed.probabilities(1), trainer.probabilities(max(_checked(trainer, before).versions)))
    if left := trainer.leftovers():
        raise HurtError(f"left over: {', '.join(left)}")
    return hits


def _checked(trainer: Trainer, before: State) -> State:
    """Return the state now; raises `HurtError` unless all from `before` is as it was and what is new answers."""
    now = trainer.state()
    if changed := [number for number in before.versions if now.versions.get(number) != before.versions[number]]:
        raise HurtError(f"changed or lost: versions {changed}")
    new = now.versions.keys() - before.versions.keys()
    for number in new:
        trainer.probabilities(number)
    if now.live not in {before.live, *new}:
        raise HurtError(f"version {before.live} was live, and now {now.live} is")
    if not trainer.cache_is_sound():
        raise HurtError("the cache of features is damaged")
    return now


def _compare(expected: np.ndarray, found: np.ndarray) -> None:
    difference = np.abs(expected - found).max()
    print(f"the last model's probabilities differ from those of an undisturbed run by {difference:.6f} at most")
    if difference > TOLERANCE:
        raise HurtError("that is too much")


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _draw(folder: Path) -> None:
    random_numbers = np.random.default_rng(1)
    for breed in BREEDS:
        (folder / breed).mkdir(parents=True)
        colour = random_numbers.integers(40, 216, 3)
        for number in range(PHOTOS_A_BREED):
            pixels = np.clip(colour + random_numbers.integers(-40, 41, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / breed / f"{number}.png")


def main() -> None:
    """Kill, look, and print how often each stage was hit; end with status 1 if anything was hurt."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50, help="how many kills (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another one, other moments (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        try:
            hits = kill(options.times, options.seed, Path(work))
        except HurtError as error:
            sys.exit(f"hurt: {error}")
    print(f"{options.times} kills: " + ", ".join(f"{hits[stage]} {stage!r}" for stage in STAGES) + "; nothing was hurt")


if __name__ == "__main__":
    main()
