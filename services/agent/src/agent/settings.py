"""What agent is told from outside."""

from typing import Annotated

from pydantic import Field

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Beside what every service needs: how much a process takes on."""

    run_slots: Annotated[int, Field(ge=1, le=256)] = 16
    """How many runs a process drives at a time; one organisation gets at most half of them."""
