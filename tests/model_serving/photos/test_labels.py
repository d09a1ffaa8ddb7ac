"""Names of classes, and the names of one breed that different people use."""

from collections import Counter
from pathlib import Path

import pytest

from model_serving.breeds import IMAGENET_BREEDS
from model_serving.photos.labels import (
    BREEDS,
    breed_named,
    class_meant,
    label_key,
    possible_breeds,
    readable,
    readable_classes,
)

# Oxford-IIIT's 25 dogs, as its files name them.
OXFORD = [
    "american_bulldog",
    "american_pit_bull_terrier",
    "basset_hound",
    "beagle",
    "boxer",
    "chihuahua",
    "english_cocker_spaniel",
    "english_setter",
    "german_shorthaired",
    "great_pyrenees",
    "havanese",
    "japanese_chin",
    "keeshond",
    "leonberger",
    "miniature_pinscher",
    "newfoundland",
    "pomeranian",
    "pug",
    "saint_bernard",
    "samoyed",
    "scottish_terrier",
    "shiba_inu",
    "staffordshire_bull_terrier",
    "wheaten_terrier",
    "yorkshire_terrier",
]
CATS = [
    "Abyssinian",
    "Bengal",
    "Birman",
    "Bombay",
    "British_Shorthair",
    "Egyptian_Mau",
    "Maine_Coon",
    "Persian",
    "Ragdoll",
    "Russian_Blue",
    "Siamese",
    "Sphynx",
]


@pytest.mark.parametrize(
    ("folder", "breed"),
    [
        ("001.Affenpinscher", "Affenpinscher"),
        ("071.German_shepherd_dog", "German Shepherd"),
        ("n02086646-Blenheim_spaniel", "Cavalier King Charles Spaniel"),
        ("n02085620-Chihuahua", "Chihuahua"),
        ("wire-haired_fox_terrier", "Wire Fox Terrier"),
        ("SHIH-TZU", "Shih Tzu"),
        ("004.Akita", "Akita"),
        ("my_own_mix", "My own mix"),
        (" my__own mix ", "My own mix"),
        ("008.Bichon_frise", "Bichon Frise"),
        ("3_series", "3 series"),
        ("1.5", "1.5"),
        ("soft-coated_wheaten_terrier", "Soft-coated Wheaten Terrier"),
        ("Alsatian", "German Shepherd"),
        ("Dobermann", "Doberman Pinscher"),
        ("Lo\u0308wchen", "Lowchen"),  # as a Mac writes it, with the dots as a character of their own
        ("🐶", "🐶"),
    ],
)
def test_readable_folder_gives_breed(folder: str, breed: str) -> None:
    """Numbers, synsets and underscores of class folders never reach a person."""
    assert readable(folder) == breed


def test_readable_knows_every_breed_of_oxford() -> None:
    """The folders of the Oxford pet set mean 25 breeds of the table."""
    assert len({breed_named(name) for name in OXFORD} - {None}) == 25


@pytest.mark.parametrize("names", ["stanford_120.txt", "udacity_133_breeds.txt"])
def test_readable_knows_every_breed_of_well_known_data_sets(shared_images: Path, names: str) -> None:
    """The folders of Stanford Dogs and of Udacity's dogImages each mean one breed; only three wild dogs are none."""
    folders = (shared_images / names).read_text().splitlines()
    unknown = [folder for folder in folders if breed_named(folder) is None]
    assert [folder.partition("-")[2] for folder in unknown] in ([], ["dingo", "dhole", "African_hunting_dog"])
    assert len({readable(folder) for folder in folders}) == len(folders)


def test_table_has_no_name_for_two_breeds() -> None:
    """A name is one breed's own, or is shared by several and then owned by none."""
    own = Counter(label_key(name) for breed, facts in BREEDS.items() for name in (breed, *facts.get("also", ())))
    assert [name for name, count in own.items() if count > 1] == []
    aliases = {label_key(name) for facts in BREEDS.values() for name in facts.get("also", ())}
    assert [name for facts in BREEDS.values() for name in facts.get("loosely", ()) if label_key(name) in aliases] == []


@pytest.mark.parametrize("name", [*CATS, "Siberian", "Himalayan", "Turkish Angora", "Chanterelle", "Sneaker"])
def test_readable_cat_or_thing_keeps_its_name(name: str) -> None:
    """Classes that are no dogs are not taken for any."""
    assert breed_named(name) is None
    assert readable(name) == name.replace("_", " ")


def test_readable_classes_of_other_things_are_no_breeds() -> None:
    """A cardigan or a boxer among clothes keeps its name; among dogs it is the breed."""
    clothes = ["cardigan", "boxer", "sock", "t-shirt", "coat"]
    assert readable_classes(clothes)["cardigan"] == "Cardigan"
    assert readable_classes(["cardigan", "pembroke", "pug"])["cardigan"] == "Cardigan Welsh Corgi"


@pytest.mark.parametrize(
    ("label", "classes", "meant"),
    [
        ("lhasa_apso", ["Lhasa", "Pug"], "Lhasa"),
        ("german_shorthaired", IMAGENET_BREEDS, "German Shorthaired Pointer"),
        ("wheaten_terrier", IMAGENET_BREEDS, "Soft-coated Wheaten Terrier"),
        ("english_cocker_spaniel", IMAGENET_BREEDS, "Cocker Spaniel"),
        ("english_cocker_spaniel", ["Cocker Spaniel", "English Cocker Spaniel"], "English Cocker Spaniel"),
        ("Toy Poodle", ["Poodle", "Pug"], "Poodle"),
        ("Toy Poodle", ["Miniature Poodle", "Standard Poodle"], None),
        ("Poodle", ["Miniature Poodle", "Standard Poodle"], None),
        ("setter", ["English Setter"], None),
        ("cardigan", ["Cardigan", "Sock"], "Cardigan"),
        ("Maine_Coon", ["Maine coon", "Persian"], "Maine coon"),
        ("shiba_inu", IMAGENET_BREEDS, None),
    ],
)
def test_class_meant_by_a_label(label: str, classes: list[str], meant: str | None) -> None:
    """A label finds the class of its breed in any spelling, or the wider one, and never guesses a narrower one."""
    assert class_meant(label, classes) == meant


@pytest.mark.parametrize("name", ["setter", "corgi", "schnauzer", "poodle", "husky", "Coonhound", "fox_terrier"])
def test_possible_breeds_of_an_ambiguous_name_are_several(name: str) -> None:
    """A name that several breeds share tells which."""
    breeds = possible_breeds(name)
    assert len(breeds) >= 2
    assert set(breeds) <= BREEDS.keys()
