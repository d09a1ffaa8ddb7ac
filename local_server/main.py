"""`tensorflow_model_server`: start, serve until told to stop, stop gracefully."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence

from local_server import flags
from local_server.errors import StatusError
from local_server.system import check_ports
from local_server.tensorflow_import import import_tensorflow_quietly


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server; exit with 0 after SIGTERM or SIGINT, with 255 if it cannot start."""
    options = flags.parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing to finish yet
    if options.version:
        _print_versions()
        return
    try:
        check_ports(options.host, options.port, options.rest_api_port)  # rather than after a long load
    except StatusError as error:
        print(f"Failed to start server. Error: {error}", file=sys.stderr)
        sys.exit(flags.START_FAILED)
    import_tensorflow_quietly()

    from local_server.server import Server

    gc.freeze()  # or each unload of a version, which collects garbage, would halt all requests to search the modules
    server = Server(options)
    status = 0
    told_to_stop = False

    def stop(*_: object) -> None:
        nonlocal told_to_stop
        told_to_stop = True
        raise KeyboardInterrupt  # ends a start as well as the wait

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.start()
            while not told_to_stop:  # an exception that came while a destructor ran is lost
                time.sleep(0.5)
        logging.info("Stopping ...")
    except StatusError as error:
        print(f"Failed to start server. Error: {error}", file=sys.stderr)
        status = flags.START_FAILED
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):  # a second one ends the process at once
            signal.signal(number, signal.SIG_DFL)
        server.stop()
    # A request that has not ended by now must not keep the process.
    logging.shutdown()
    os._exit(status)


def _print_versions() -> None:
    import_tensorflow_quietly()
    import tensorflow as tf

    print(f"TensorFlow ModelServer: {tf.__version__}-python\nTensorFlow Library: {tf.__version__}")


if __name__ == "__main__":
    main()
