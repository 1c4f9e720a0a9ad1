"""Where models come from. A run names its model as `<provider>` or `<provider>:<model>`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pydantic_ai.models import Model

from agent.adapters.offline_model import OfflineModel
from agent.application.loop import ModelFailed

Provider: TypeAlias = Callable[[str], "Model[Any]"]
"""Makes the model of that name; the name is empty for a provider with one model only."""


class Providers:
    """The providers of this process, by name."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    def model(self, model: str) -> Model[Any]:
        """Raises ModelFailed when no such provider is configured."""
        provider, _, name = model.partition(":")
        if provider not in self._providers:
            raise ModelFailed(f"There is no model provider “{provider}” here.")
        return self._providers[provider](name)


def offline(_name: str) -> Model[Any]:
    """The provider `offline`: needs no key and no network."""
    return OfflineModel()
