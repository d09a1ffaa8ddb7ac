"""The frozen pretrained networks that a head can stand on: one registry, one loader a family."""

from model_serving.backbones.backbone import RANDOM, Backbone, Classifier
from model_serving.backbones.registry import BACKBONES, load_backbone, registered_backbone

__all__ = ["BACKBONES", "RANDOM", "Backbone", "Classifier", "load_backbone", "registered_backbone"]
