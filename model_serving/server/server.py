"""The server as a whole: the manager of models, and the two APIs in front of it."""

from __future__ import annotations

import logging
from pathlib import Path

import grpc
from tensorflow.core.protobuf import config_pb2

from model_serving.server import ports
from model_serving.server.errors import UnavailableError
from model_serving.server.flags import Options
from model_serving.server.grpc_api import server as grpc_api
from model_serving.server.inference.servable import Servable, SessionSettings
from model_serving.server.lifecycle.manager import Manager
from model_serving.server.lifecycle.model import Model, ModelConfig
from model_serving.server.lifecycle.warmup import warm_up
from model_serving.server.rest_api.api import RestApi
from model_serving.server.rest_api.server import RestServer

# How long requests in flight may take to end once the server is told to stop, and then the models to unload.
_GRACE_SECONDS = 30
_UNLOAD_SECONDS = 5

_log = logging.getLogger(__name__)


class Server:
    """A configured server; `start` once, then `stop` once, also after a start that failed."""

    def __init__(self, options: Options) -> None:
        self._options = options
        config = ModelConfig(
            options.model_name,
            Path(options.model_base_path),
            options.max_num_load_retries,
            max(0, options.load_retry_interval_micros) / 1e6,
        )
        self._manager = Manager([Model(config, self._load)], options.file_system_poll_wait_seconds)
        self._grpc: grpc.Server | None = None
        self._rest: RestServer | None = None

    def start(self) -> None:
        """Load the models, then open the ports. Raises ServingError if either fails."""
        options = self._options
        self._manager.start()
        self._start_grpc()
        if options.rest_api_port:
            bound = ports.bind(options.host, options.rest_api_port)
            api = RestApi(self._manager, options.rest_api_timeout_in_ms)
            self._rest = RestServer(api, bound, options.rest_api_num_threads, _GRACE_SECONDS)
            self._rest.start()
            _log.info("Exporting HTTP/REST API at:%s:%d ...", options.host, options.rest_api_port)

    def stop(self) -> None:
        """Close the ports, finish the requests in flight, unload the models."""
        grpc_stopped = self._grpc.stop(_GRACE_SECONDS) if self._grpc else None
        if self._rest:
            self._rest.stop()
        if grpc_stopped:
            grpc_stopped.wait()
        self._manager.stop(_UNLOAD_SECONDS)

    def _load(self, path: Path) -> Servable:
        servable = Servable.load(path, _session_settings(self._options))
        if self._options.enable_model_warmup:
            try:
                warm_up(servable, path, max(1, self._options.num_request_iterations_for_warmup))
            except BaseException:
                servable.close()
                raise
        return servable

    def _start_grpc(self) -> None:
        options = self._options
        addresses = [f"{options.host}:{options.port}"] if options.port else []
        if options.grpc_socket_path:
            addresses.append(f"unix:{options.grpc_socket_path}")
        try:
            self._grpc = grpc_api.serve(
                self._manager,
                addresses,
                options.grpc_max_threads,
                options.grpc_channel_arguments,
                options.enable_serialization_as_tensor_content,
            )
        except RuntimeError as error:
            raise UnavailableError(str(error)) from error
        for address in addresses:
            _log.info("Running gRPC ModelServer at %s ...", address)


def _session_settings(options: Options) -> SessionSettings:
    threads = options.tensorflow_session_parallelism
    return SessionSettings(
        tuple(options.saved_model_tags.split(",")),
        config_pb2.ConfigProto(
            intra_op_parallelism_threads=options.tensorflow_intra_op_parallelism or threads,
            inter_op_parallelism_threads=options.tensorflow_inter_op_parallelism or threads,
            gpu_options=config_pb2.GPUOptions(per_process_gpu_memory_fraction=options.per_process_gpu_memory_fraction),
        ),
    )
