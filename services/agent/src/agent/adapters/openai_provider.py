"""The provider `openai`: theirs, or any server that speaks their chat completions."""

from typing import Any

from openai import AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.settings import ModelSettings

ATTEMPTS = 3
"""At one answer, the first included. The client waits between them, as long as the server asks for where it does."""


class OpenAIModels:
    """Makes its models, which share one pool of connections.

    An answer is asked for at most `ATTEMPTS` times within `seconds`; a refusal that would come again is final at once.
    """

    def __init__(self, url: str, key: str, seconds: float) -> None:
        client = AsyncOpenAI(base_url=url, api_key=key, max_retries=ATTEMPTS - 1, timeout=seconds)
        self._provider = OpenAICompatibleProvider("openai", openai_client=client)
        self._settings = ModelSettings(request_timeout=seconds)

    def __call__(self, name: str) -> Model[Any]:
        return OpenAIChatModel(name, provider=self._provider, settings=self._settings)
