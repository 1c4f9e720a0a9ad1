"""What agent is told from outside."""

from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from agent.domain.agent import OFFLINE
from chassis.settings import ServiceSettings, Url


class Settings(ServiceSettings):
    """Beside what every service needs: how much a process takes on, and which models it may ask."""

    run_slots: Annotated[int, Field(ge=1, le=256)] = 16
    """How many runs a process drives at a time; one organisation gets at most half of them."""
    assistant_model: Annotated[str, Field(pattern=r"^(offline|openai:\S+)$", max_length=200)] = OFFLINE
    """The model of the assistant that a new organisation gets: `offline`, or `openai:<its name>`."""
    openai_key: SecretStr | None = None
    """Unset: there is no provider `openai` here."""
    openai_url: Url = "https://api.openai.com/v1"
    """Where the API of OpenAI is: theirs, or that of any server that speaks it as well."""
    model_seconds: Annotated[float, Field(gt=0, le=600)] = 120
    """How long a model may take for one answer, all attempts at it together."""

    @model_validator(mode="after")
    def _assistant_can_answer(self) -> "Settings":
        if self.assistant_model != OFFLINE and self.openai_key is None:
            raise ValueError("STOA_ASSISTANT_MODEL names a model of “openai”: STOA_OPENAI_KEY must be set")
        return self
