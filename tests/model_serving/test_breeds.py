"""Names of breeds."""

import pytest

from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS, readable, same_breed


def test_imagenet_breeds_are_one_for_each_dog_class() -> None:
    """Every domestic dog class of ImageNet has a readable name of its own."""
    assert len(IMAGENET_BREEDS) == len(set(IMAGENET_BREEDS)) == IMAGENET_DOGS.stop - IMAGENET_DOGS.start


def test_imagenet_breeds_stand_in_imagenets_order() -> None:
    """The order is that of the classifier's classes, by the class numbers that are widely known."""
    known = {151: "Chihuahua", 207: "Golden Retriever", 235: "German Shepherd", 254: "Pug", 258: "Samoyed"}
    assert {number: IMAGENET_BREEDS[number - IMAGENET_DOGS.start] for number in known} == known


@pytest.mark.parametrize(
    ("folder", "breed"),
    [
        ("001.Affenpinscher", "Affenpinscher"),
        ("071.German_shepherd_dog", "German Shepherd"),
        ("n02086646-Blenheim_spaniel", "Cavalier King Charles Spaniel"),
        ("wire-haired_fox_terrier", "Wire Fox Terrier"),
        ("SHIH-TZU", "Shih Tzu"),
        ("004.Akita", "Akita"),
        ("my_own_mix", "My own mix"),
        ("008.Bichon_frise", "Bichon Frise"),
        ("3_series", "3 series"),
    ],
)
def test_readable_folder_gives_breed(folder: str, breed: str) -> None:
    """Numbers, synsets and underscores of class folders never reach a person."""
    assert readable(folder) == breed


def test_same_breed_knows_other_spellings() -> None:
    """Labels of other data sets match the model's names, and different breeds do not."""
    assert same_breed("Lhasa", "lhasa_apso")
    assert not same_breed("Toy Poodle", "Miniature Poodle")
