"""The whole server: the model manager and the two APIs in front of it."""

from __future__ import annotations

import logging
from pathlib import Path

import grpc

from local_server.config import files, models
from local_server.config.batching import BatchingParameters, read_batching_parameters
from local_server.config.models import ModelConfig, local_folder
from local_server.config.watch import ModelConfigWatch
from local_server.errors import UnavailableError
from local_server.flags import Options
from local_server.grpc_api import server as grpc_api
from local_server.inference.batch_scheduler import BatchScheduler
from local_server.lifecycle.loader import Loader, Workers
from local_server.lifecycle.manager import ModelManager
from local_server.lifecycle.servable_factory import ServableFactory
from local_server.rest_api.api import RestApi
from local_server.rest_api.server import RestServer
from local_server.system import EVERY_ADDRESS, bind

# How long requests in flight may take to end once the server is told to stop, and then the models to unload.
_GRACE_SECONDS = 30
_UNLOAD_SECONDS = 5
_BATCHES_SECONDS = 1  # by then only a request that outlived all this keeps a batch thread

_log = logging.getLogger(__name__)


class Server:
    """A configured server; `start` once, then `stop` once, also after a start that failed."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._manager: ModelManager | None = None
        self._watch: ModelConfigWatch | None = None
        self._batches: BatchScheduler | None = None
        self._grpc: grpc.Server | None = None
        self._rest: RestServer | None = None

    def start(self) -> None:
        """Load the models, then open the ports. Raises StatusError if either fails."""
        options = self._options
        # What can be wrong quickly comes before what takes long.
        credentials = files.read_credentials(options.ssl_config_file)
        metrics_path = files.read_metrics_path(options.monitoring_config_file)
        if options.enable_batching:
            file = options.batching_parameters_file
            self._batches = BatchScheduler(read_batching_parameters(Path(file)) if file else BatchingParameters())
        self._manager = manager = self._new_manager()
        manager.start(self._models())
        if options.model_config_file and options.model_config_file_poll_wait_seconds > 0:
            self._watch = ModelConfigWatch(
                options.model_config_file, options.model_config_file_poll_wait_seconds, manager.reload
            )
            self._watch.start()
        self._start_grpc(manager, credentials)
        if options.rest_api_port and options.rest_api_port == options.port:
            _log.error(
                "server_options.http_port cannot be same as grpc_port. Please use a different port for HTTP/REST API. "
                "Skipped exporting HTTP/REST API."
            )
        elif options.rest_api_port:
            bound = bind(options.host, options.rest_api_port)
            api = RestApi(manager, options.rest_api_timeout_in_ms)
            self._rest = RestServer(
                api,
                bound,
                options.rest_api_num_threads,
                options.rest_api_num_threads + options.max_waiting_requests,
                options.rest_api_max_body_bytes,
                _GRACE_SECONDS,
                metrics_path,
                options.rest_api_enable_cors_support,
            )
            self._rest.start()
            _log.info("Exporting HTTP/REST API at:%s:%d ...", options.host, options.rest_api_port)

    def stop(self) -> None:
        """Close the ports, finish the requests in flight, unload the models."""
        if self._watch:
            self._watch.stop()
        grpc_stopped = self._grpc.stop(_GRACE_SECONDS) if self._grpc else None
        if self._rest:
            self._rest.stop()
        if grpc_stopped:
            grpc_stopped.wait()
        if self._manager:
            self._manager.stop(_UNLOAD_SECONDS)
        if self._batches:
            self._batches.close(_BATCHES_SECONDS)

    def _models(self) -> list[ModelConfig]:
        options = self._options
        if options.model_config_file:
            return models.read(options.model_config_file) or []
        return [ModelConfig(options.model_name, local_folder(options.model_name, options.model_base_path))]

    def _new_manager(self) -> ModelManager:
        options = self._options
        loader = Loader(
            ServableFactory(options, self._batches).load,
            Workers("load", max(1, options.num_load_threads)),
            Workers("unload", options.num_unload_threads or None),
            options.max_num_load_retries,
            max(0, options.load_retry_interval_micros) / 1e6,
        )
        return ModelManager(
            loader, options.file_system_poll_wait_seconds, options.allow_version_labels_for_unavailable_models
        )

    def _start_grpc(self, manager: ModelManager, credentials: grpc.ServerCredentials | None) -> None:
        options = self._options
        addresses = [f"{options.host}:{options.port}"] if options.port else []
        if options.grpc_socket_path:
            addresses.append(f"unix:{options.grpc_socket_path}")
        try:
            self._grpc = grpc_api.serve(
                manager,
                addresses,
                options.grpc_max_threads,
                options.grpc_max_threads + options.max_waiting_requests,
                options.grpc_channel_arguments,
                options.enable_serialization_as_tensor_content,
                credentials,
                options.enable_grpc_healthcheck_service,
                options.enable_profiler and options.host == EVERY_ADDRESS,  # as the profiler's own port is open to all
            )
        except RuntimeError as error:
            raise UnavailableError(str(error)) from error
        for address in addresses:
            _log.info("Running gRPC ModelServer at %s ...", address)
