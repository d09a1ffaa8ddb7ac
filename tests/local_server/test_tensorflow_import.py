"""TensorFlow as the commands import it."""

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
from local_server.tensorflow_import import import_tensorflow_quietly
import_tensorflow_quietly()
from tensorflow.python.util import _pywrap_util_port
print(_pywrap_util_port.IsMklEnabled())
"""


@pytest.mark.model
@pytest.mark.skipif(platform.machine() != "x86_64", reason="measured on x86 alone")
@pytest.mark.parametrize(("setting", "is_on"), [(None, "True"), ("0", "False")])
def test_import_turns_onednn_on_unless_told_not_to(setting: str | None, is_on: str) -> None:
    """Whatever the CPU, graphs in int8 can run, and a user's own setting counts."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    if setting:
        environment["TF_ENABLE_ONEDNN_OPTS"] = setting
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == is_on
