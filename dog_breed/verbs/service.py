"""Verbs of the running service: predict, run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from dog_breed.arguments import AddVerb, add_model, port, positive
from dog_breed.errors import MissingExtraError

API_KEY_VARIABLE = "DETECTOR_API_KEY"


def add_verbs(verb: AddVerb) -> None:
    """Add them to the command line."""
    predict = verb("predict", _predict, "Ask a running gateway what each photo shows.")
    predict.add_argument("photos", nargs="+", metavar="PHOTO", help="file, folder of photos, or - for standard input")
    predict.add_argument("--url", default="http://localhost:8080", help="address of the gateway (%(default)s)")
    predict.add_argument("--json", action="store_true", help="a line of JSON for each photo instead of a table")
    predict.add_argument(
        "--top-k", type=positive, help="with --json: how many classes to name (all that the gateway names)"
    )
    predict.add_argument(
        "--find",
        choices=("auto", "all", "no"),
        help="search the whole photo for dogs: where its centre shows none or no breed near to sure (auto, what "
        "gateways do by themselves), always, with a row for each dog (all), or never (no)",
    )
    predict.add_argument("--api-key", help=f"key for a gateway that asks for one (the variable {API_KEY_VARIABLE})")

    run = verb(
        "run", _run, "Serve page, gateway and model on this machine until Ctrl-C; makes the starter model if needed."
    )
    add_model(run)
    run.add_argument("--host", default="127.0.0.1", help="address of the page; 0.0.0.0 opens it to the network")
    run.add_argument("--port", type=port, default=8080, help="port of the page (%(default)s)")
    run.add_argument("--grpc-port", type=port, default=8500, help="port of the model server's gRPC API (%(default)s)")
    run.add_argument("--rest-port", type=port, default=8501, help="port of the model server's REST API (%(default)s)")


def _predict(options: argparse.Namespace) -> None:
    with _installed("predict", extra="client"):
        from dog_breed.predict import predict

    api_key = options.api_key or os.environ.get(API_KEY_VARIABLE)
    predict(options.photos, options.url, api_key, options.top_k, options.find, options.json)


def _run(options: argparse.Namespace) -> None:
    with _installed("run", extra="laptop"):
        from dog_breed.laptop import run

    run(options.model, options.host, options.port, options.grpc_port, options.rest_port)


@contextmanager
def _installed(verb: str, extra: str) -> Iterator[None]:
    """Name the extra to install if an import in the block fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(verb, error.name, extra) from error
