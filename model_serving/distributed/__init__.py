"""Extraction and scoring on Ray Data: on the cores of this machine, or on the cluster that `RAY_ADDRESS` names.

To import it without Ray raises `DistributedError`.
"""

from importlib.util import find_spec

from model_serving.errors import DistributedError

if find_spec("ray") is None:
    raise DistributedError("`--engine ray` needs a package: pip install 'dog-breed-detector[distributed]'.")
