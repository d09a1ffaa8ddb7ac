"""Cards of the versions that answer, and which of them answers a target as far as is known."""

from __future__ import annotations

from detector_api import errors
from detector_api.serving.model_card import ModelVersion
from detector_api.serving.serving_client import ServingClient
from detector_api.serving.target import Target

# How many versions to remember: those between which a change is under way, and some to return to.
MOST = 8


class Versions:
    """A cache of one app. What fetches a card may raise a `ServingError`; deadlines are in monotonic seconds."""

    def __init__(self, client: ServingClient) -> None:
        self._client = client
        self._models: dict[int, ModelVersion] = {}
        self._answering: dict[Target, ModelVersion] = {}

    async def fetch(self, target: Target, deadline: float | None = None) -> ModelVersion:
        """Ask a version for its card, and remember it."""
        model = await self._client.describe(target, deadline=deadline)
        self._models.pop(model.version, None)
        self._models[model.version] = model
        if len(self._models) > MOST:
            del self._models[next(iter(self._models))]
        return model

    async def fetch_for_all(self, target: Target) -> ModelVersion:
        """Ask for a card by a label that a server may not know yet."""
        while True:
            try:
                return await self.fetch(target)
            except errors.ModelNotFoundError as error:
                other = after(target, error)
                if other == target:
                    raise
                target = other

    async def answering(self, target: Target, deadline: float) -> ModelVersion:
        """Return the version that probably answers."""
        known = self._answering.get(target)
        if known is None:
            known = await self.fetch(target, deadline)
            self.follow(target, known)
        return known

    async def numbered(self, version: int, target: Target, deadline: float) -> ModelVersion:
        """Return the version that has answered for a target."""
        return self._models.get(version) or await self.fetch(target.at(version), deadline)

    def follow(self, target: Target, model: ModelVersion | None) -> None:
        """Expect a target's next answer from this version, or ask first which it is."""
        if model is not None:
            self._answering[target] = model
            if len(self._answering) > MOST:
                del self._answering[next(iter(self._answering))]
        else:
            self._answering.pop(target, None)


def after(target: Target, error: errors.ModelNotFoundError) -> Target:
    """Return what to ask when a version was not found; of a trial nothing else, for another version stands in."""
    return target if target.is_trial else target.instead(knows_label=not isinstance(error, errors.UnknownLabelError))
