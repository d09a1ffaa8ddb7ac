"""The gateway's own protos are TensorFlow Serving's on the wire, and the generated code is that of the .proto file."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow_serving.apis import get_model_status_pb2, model_pb2, predict_pb2

from detector_api.serving.protos import serving_pb2 as ours

REPOSITORY = Path(__file__).parents[4]
PROTO = "detector_api/serving/protos/serving.proto"

THEIRS: dict[str, Any] = {
    "TensorShapeProto": tensor_shape_pb2.TensorShapeProto,
    "TensorProto": tensor_pb2.TensorProto,
    "ModelSpec": model_pb2.ModelSpec,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
}


def filled(make: Any) -> Any:
    """Return a message of either side with every field of ours set to a value that no default hides."""
    message = make()
    name = message.DESCRIPTOR.name
    if name == "TensorShapeProto":
        message.dim.add(size=1)
        message.dim.add(size=2**40)
    elif name == "TensorProto":
        message.dtype = 7
        message.tensor_shape.CopyFrom(filled(type(message.tensor_shape)))
        message.tensor_content = bytes(range(256))
        message.float_val.extend([0.25, -1.5, float("inf")])
        message.string_val.extend([b"Akita", b"\xff\x00"])
    elif name == "ModelSpec":
        message.name, message.signature_name = "dog_breed", "pixels"
        message.version.value = 2**40
    elif name == "PredictRequest":
        message.model_spec.CopyFrom(filled(type(message.model_spec)))
        message.inputs["pixels"].CopyFrom(filled(type(message.inputs["pixels"])))
        message.output_filter.extend(["top_breeds", "heatmap"])
    elif name == "PredictResponse":
        message.model_spec.CopyFrom(filled(type(message.model_spec)))
        message.outputs["top_breeds"].CopyFrom(filled(type(message.outputs["top_breeds"])))
    elif name == "GetModelStatusRequest":
        message.model_spec.CopyFrom(filled(type(message.model_spec)))
    elif name == "ModelVersionStatus":
        message.version, message.state = 2**40, 30
    elif name == "GetModelStatusResponse":
        message.model_version_status.add(version=2**40, state=30)
        message.model_version_status.add(version=1, state=50)
    return message


def test_proto_defines_no_other_message() -> None:
    """Every message of ours is compared below."""
    assert set(ours.DESCRIPTOR.message_types_by_name) == set(THEIRS)


@pytest.mark.parametrize("name", THEIRS)
def test_message_survives_both_ways(name: str) -> None:
    """Our messages are read in full by upstream's classes and upstream's by ours: no field is lost or changed."""
    mine, upstream = filled(getattr(ours, name)), filled(THEIRS[name])
    fields = {field.name for field in mine.DESCRIPTOR.fields} - {"version_label"}  # in place of `version`: see below
    assert {field.name for field, _ in mine.ListFields()} == fields
    assert THEIRS[name].FromString(mine.SerializeToString()) == upstream
    assert getattr(ours, name).FromString(upstream.SerializeToString()) == mine


def test_model_spec_names_a_version_or_a_label() -> None:
    """A label takes the place of the number, as upstream has it, and is read by either side."""
    mine, upstream = filled(ours.ModelSpec), filled(THEIRS["ModelSpec"])
    for message in (mine, upstream):
        message.version_label = "canary"
        assert message.WhichOneof("version_choice") == "version_label"
        assert not message.HasField("version")
    assert THEIRS["ModelSpec"].FromString(mine.SerializeToString()) == upstream
    assert ours.ModelSpec.FromString(upstream.SerializeToString()) == mine


def test_fields_have_upstream_s_numbers_and_types() -> None:
    """Each field of ours exists upstream with the same number, type and cardinality, in nested messages too."""

    def compare(mine: Descriptor, upstream: Descriptor) -> None:
        for field in mine.fields:
            other = upstream.fields_by_name[field.name]
            assert (field.number, field.type, field.is_repeated) == (other.number, other.type, other.is_repeated)
            if field.message_type and field.message_type.file is ours.DESCRIPTOR:
                compare(field.message_type, other.message_type)

    for name, upstream in THEIRS.items():
        compare(ours.DESCRIPTOR.message_types_by_name[name], upstream.DESCRIPTOR)


@pytest.mark.parametrize(
    ("mine", "upstream"),
    [
        (ours.DataType.DESCRIPTOR, types_pb2.DataType.DESCRIPTOR),
        (ours.ModelVersionStatus.State.DESCRIPTOR, get_model_status_pb2.ModelVersionStatus.State.DESCRIPTOR),
    ],
    ids=["DataType", "State"],
)
def test_enums_have_upstream_s_numbers(mine: EnumDescriptor, upstream: EnumDescriptor) -> None:
    """Each value of ours has upstream's number."""
    for name, value in mine.values_by_name.items():
        assert value.number == upstream.values_by_name[name].number


def test_generated_code_is_up_to_date(tmp_path: Path) -> None:
    """Generating again gives the messages that are committed; the file's first lines say how."""
    output = tmp_path / "serving.binpb"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--descriptor_set_out={output}", PROTO]
    subprocess.run(command, cwd=REPOSITORY, check=True, timeout=60)
    generated = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file[0]
    committed = descriptor_pb2.FileDescriptorProto.FromString(ours.DESCRIPTOR.serialized_pb)
    generated.ClearField("source_code_info")
    for message in generated.message_type:  # protoc adds names for JSON to one of the two
        clear_json_names(message)
    for message in committed.message_type:
        clear_json_names(message)
    assert committed == generated


def clear_json_names(message: Any) -> None:
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        clear_json_names(nested)


def test_generated_code_runs_on_the_oldest_protobuf_allowed() -> None:
    """The code asks for no newer protobuf than pyproject.toml does."""
    needed = re.search(r"Protobuf Python Version: ([\d.]+)", Path(ours.__file__).read_text())
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    allowed = re.search(r"protobuf>=([\d.]+)", " ".join(project["optional-dependencies"]["api"]))
    assert needed
    assert allowed
    assert version(needed[1]) <= version(allowed[1])


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
