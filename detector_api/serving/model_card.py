"""The model card: the fields that the gateway needs are checked, the others passed on."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from model_serving.photos import Geometry


class Thresholds(BaseModel):
    """Probabilities from which on a statement is made."""

    model_config = ConfigDict(extra="allow")

    dog: float = Field(ge=0, le=1)
    sure: float = Field(default=0.5, ge=0, le=1)
    # Of `found_probability`, for a part that the search found. The default is for a model that lacks that output.
    found: float = Field(default=0.2, ge=0, le=1)


class Familiarity(BaseModel):
    """Distribution of the scores behind `familiarity`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    quantiles: list[float] = Field(description="From the least to the greatest; none if the model cannot tell.")


class Subject(BaseModel):
    """Words for what the classes are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    one: str = Field(description="For one of them.", examples=["cat"])
    many: str = Field(description="For many.", examples=["cats"])
    kind: str = Field(alias="class", description="For a class of them.", examples=["breed"])


class OnDevice(BaseModel):
    """File for browsers and phones, as the card tells it; one that is not kept has no size and no hash."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kept: bool = Field(description="Whether the version has such a file, whose answers are nearly those of the graph.")
    size: int | None = Field(default=None, alias="bytes", gt=0)
    sha256: str | None = None


class ModelCard(BaseModel):
    """The JSON of the signature `describe`: the fields that the gateway uses are checked, the others passed on."""

    model_config = ConfigDict(extra="allow", frozen=True)

    input_size: int = Field(gt=0, le=2048, description="Side in pixels of the square that the model sees.")
    crop: float = Field(gt=0, le=1, description="Side of that square as a share of the photo's short side.")
    breeds: list[str] = Field(min_length=1, description="Names of the classes, in index order.")
    detects_dogs: bool = Field(description="Whether the model can tell that there is no dog.")
    locates: bool = Field(default=False, description="Whether the model can tell where in a photo the dogs are.")
    subject: Subject = Field(
        default=Subject.model_validate({"one": "dog", "many": "dogs", "class": "breed"}),
        description="What the classes are: dogs, where a model of an older release does not say.",
    )
    arithmetic: str = Field(default="float32", description="That of the graph which answers: float32 or int8.")
    thresholds: Thresholds
    familiarity: Familiarity | None = Field(default=None, description="Missing in models of older releases.")
    on_device: OnDevice | None = Field(default=None, description="Missing in models of older releases.")

    @property
    def tells_familiarity(self) -> bool:
        """Tell whether the output `familiarity` means anything."""
        return self.familiarity is not None and bool(self.familiarity.quantiles)

    @property
    def geometry(self) -> Geometry:
        """Return the part of a photo that the model sees, and its size."""
        return Geometry(self.input_size, self.crop)


@dataclass(frozen=True)
class ModelVersion:
    """One version of the model, and its card."""

    version: int
    card: ModelCard
