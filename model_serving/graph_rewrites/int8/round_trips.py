"""Integers that become floats only to become the same integers again."""

from __future__ import annotations

from model_serving.graph_rewrites.network import Network


def drop_round_trips(network: Network) -> None:
    """quantize(dequantize(q)) = q, for one type and one range."""
    for quantized in network.of_type("QuantizeV2"):
        floats = network.producer(quantized, 0)
        if floats.op != "Dequantize" or floats.attr["T"] != quantized.attr["T"]:
            continue
        if all(network.constant(floats, end) == network.constant(quantized, end) for end in (1, 2)):
            network.redirect(quantized.name, floats.input[0])
