"""Classes of ImageNet that show dogs."""

from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS


def test_imagenet_breeds_are_one_for_each_dog_class() -> None:
    """Every domestic dog class of ImageNet has a readable name of its own."""
    assert len(IMAGENET_BREEDS) == len(set(IMAGENET_BREEDS)) == IMAGENET_DOGS.stop - IMAGENET_DOGS.start


def test_imagenet_breeds_stand_in_imagenets_order() -> None:
    """The order is that of the classifier's classes, by the class numbers that are widely known."""
    known = {151: "Chihuahua", 207: "Golden Retriever", 235: "German Shepherd", 254: "Pug", 258: "Samoyed"}
    assert {number: IMAGENET_BREEDS[number - IMAGENET_DOGS.start] for number in known} == known
