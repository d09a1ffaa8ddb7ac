"""Construction of servables: a version's folder becomes a loaded, warmed-up model as the flags say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tensorflow.core.protobuf import rewriter_config_pb2

from local_server.config.batching import version_parameters
from local_server.config.files import read_session_config
from local_server.flags import Options
from local_server.inference import tflite
from local_server.inference.batch_scheduler import BatchScheduler
from local_server.inference.batching import Batcher
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from local_server.inference.servable import Servable, TimedServable
from local_server.lifecycle.preferred import load_preferred
from local_server.lifecycle.warmup import warm_up
from local_server.monitoring import instruments
from local_server.system import release_freed_memory


class ServableFactory:
    """Loads versions; with `batches`, requests to a SavedModel that come at the same time run together."""

    def __init__(self, options: Options, batches: BatchScheduler | None) -> None:
        self._options = options
        self._batches = batches
        self._settings = _session_settings(options)

    def load(self, path: Path) -> Servable:
        """Return the version in the folder `path`, warmed up; raise whatever keeps it from serving."""
        with instruments.loading(str(path)):
            batcher = self._batcher(path)  # what can be wrong quickly comes first
            preferred = self._read_preferred(path)
            servable = preferred or self._read(path)
        servable.checks_method_names = self._options.enable_signature_method_name_check
        if self._options.enable_model_warmup and not preferred:
            try:
                self._warm_up(servable, path)
            except BaseException:
                servable.close()
                raise
        if isinstance(servable, SavedModelServable):
            servable.batcher = batcher  # after the warm-up, for which requests to other versions should not wait
        release_freed_memory()
        return TimedServable(servable)

    def _read_preferred(self, path: Path) -> Servable | None:
        """Return the version by its preferred graph, if it has one and its warm-up has shown that it runs."""
        tags = _tags(self._options.preferred_saved_model_tags)
        if not tags or self._has_tflite(path):
            return None

        def runs(servable: SavedModelServable) -> bool:
            servable.checks_method_names = self._options.enable_signature_method_name_check
            return self._warm_up(servable, path) > 0

        return load_preferred(path, replace(self._settings, tags=tags), runs)

    def _read(self, path: Path) -> Servable:
        if self._has_tflite(path):
            return tflite.TfLiteServable.load(path)
        return SavedModelServable.load(path, self._settings)

    def _has_tflite(self, path: Path) -> bool:
        return self._options.prefer_tflite_model and (path / tflite.FILE_NAME).exists()

    def _warm_up(self, servable: Servable, path: Path) -> int:
        return warm_up(servable, path, max(1, self._options.num_request_iterations_for_warmup))

    def _batcher(self, path: Path) -> Batcher | None:
        if self._batches is None:
            return None
        per_model = self._options.enable_per_model_batching_parameters
        parameters = version_parameters(path, self._batches.parameters, per_model)
        return Batcher(self._batches, parameters) if parameters else None


def _session_settings(options: Options) -> SessionSettings:
    config = read_session_config(options.tensorflow_session_config_file)
    threads = options.tensorflow_session_parallelism
    if intra := options.tensorflow_intra_op_parallelism or threads:
        config.intra_op_parallelism_threads = intra
    if inter := options.tensorflow_inter_op_parallelism or threads:
        config.inter_op_parallelism_threads = inter
    if fraction := options.per_process_gpu_memory_fraction:
        config.gpu_options.per_process_gpu_memory_fraction = fraction
    if options.mixed_precision:
        rewriting = config.graph_options.rewrite_options
        rewriting.auto_mixed_precision_onednn_bfloat16 = rewriter_config_pb2.RewriterConfig.ON
    return SessionSettings(_tags(options.saved_model_tags), config)


def _tags(flag: str) -> tuple[str, ...]:
    return tuple(flag.split(",")) if flag else ()
