"""Integers that become floats only to become the same integers again."""

from __future__ import annotations

from model_serving.graph_rewrites.network import Network


def drop_round_trips(network: Network) -> None:
    """quantize(dequantize(q)) = q, for one type and one range."""
    for quantized in network.of_type("QuantizeV2"):
        floats = network.producer(quantized, 0)
        is_same = floats.attr["T"] == quantized.attr["T"] and list(floats.input[1:]) == list(quantized.input[1:])
        if floats.op == "Dequantize" and is_same:
            network.redirect(quantized.name, floats.input[0])
