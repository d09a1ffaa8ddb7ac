"""The `dog-breed` command: from photos to a served model, and the whole product on a laptop.

The verbs are in `dog_breed.verbs`. Each imports what it needs when it runs: TensorFlow takes seconds to import, and
`--help` should not.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from dog_breed.verbs import exporting, releases, scoring, service, training
from model_serving.errors import ModelServingError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb.

    An error that a person can mend, such as a full disk, is one line on stderr and exit status 1.
    """
    options = build_parser().parse_args(arguments)
    try:
        options.verb(options)
    except ModelServingError as error:
        sys.exit(f"dog-breed: {error}")
    except BrokenPipeError:  # The reader of the output, such as `head`, has closed it: drop the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(f"dog-breed: {error}. Mend that and run the command again; what it has done so far is kept.")
    except KeyboardInterrupt:
        sys.exit(130)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; `parse_args(...).verb` is the function that runs it."""
    parser = argparse.ArgumentParser(prog="dog-breed", description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run: Callable[[argparse.Namespace], None], description: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=description, description=description)
        sub.set_defaults(verb=run)
        return sub

    for kind in (training, exporting, scoring, releases, service):
        kind.add_verbs(verb)
    return parser
