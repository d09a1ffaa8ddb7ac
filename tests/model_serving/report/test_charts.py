"""The report's charts draw what they are given."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from model_serving.report.charts import HEIGHT, learning_curves, reliability_diagram
from model_serving.report.findings import ReliabilityBin


def test_learning_curves_show_what_happens_near_the_top() -> None:
    """Accuracies between 80 and 90 % fill the chart, and stay within it."""
    chart = learning_curves({"training": [0.81, 0.88, 0.9], "validation": [0.8, 0.85, 0.84]}, kept=1)
    ElementTree.fromstring(chart)
    heights = [float(y) for points in re.findall(r'points="([^"]+)"', chart) for y in re.findall(r",([\d.]+)", points)]
    assert len(heights) == 6
    assert min(heights) > 0
    assert HEIGHT > max(heights) > min(heights) + 60
    assert ">80%<" in chart


def test_learning_curves_of_one_epoch_can_be_drawn() -> None:
    """One epoch without a mistake has a chart, too."""
    ElementTree.fromstring(learning_curves({"training": [1.0]}, kept=0))


def test_reliability_diagram_tells_how_far_few_photos_can_be_trusted() -> None:
    """Of two bars of the same height the one of fewer photos has the longer interval."""
    bins = [ReliabilityBin(0.5, 0.6, 4, 0.55, 0.5), ReliabilityBin(0.6, 0.7, 400, 0.65, 0.5)]
    lines = ElementTree.fromstring(reliability_diagram(bins)).iter("line")
    few, many = (float(one.get("y1", 0)) - float(one.get("y2", 0)) for one in lines if one.get("class") == "interval")
    assert few > 5 * many > 0
