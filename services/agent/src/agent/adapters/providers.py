"""Where models come from. A run names its model as `<provider>` or `<provider>:<model>`."""

from collections.abc import Mapping
from typing import Protocol

from pydantic_ai.models import Model

from agent.adapters.offline_model import OfflineModel
from agent.application.ports import ModelFailed


class Provider(Protocol):
    """Makes the model of that name; the name is empty for a provider with one model only."""

    def __call__(self, name: str) -> Model: ...


class Providers:
    """The providers of this process, by name."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    def model(self, model: str) -> Model:
        """Raises ModelFailed when no such provider is configured."""
        provider, _, name = model.partition(":")
        if provider not in self._providers:
            raise ModelFailed(f"There is no model provider “{provider}” here.")
        return self._providers[provider](name)


def offline(_name: str) -> Model:
    """The provider `offline`: needs no key and no network."""
    return OfflineModel()
