"""Projects: what is done for whom, how far it is, and how it is set up."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.permissions import Permission
from modules.domain.kind import Action, Kind
from modules.kinds import Data, Name, NoInput

ConfigurationKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
ConfigurationValue = Annotated[str, StringConstraints(max_length=2_000)]


class Status(StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    DONE = "done"


class Project(Data):
    """A piece of work with a beginning and an end."""

    name: Name = Field(description="What the project is called", examples=["Summer Tour"])
    client: Name | None = Field(default=None, description="For whom it is done")
    configuration: dict[ConfigurationKey, ConfigurationValue] = Field(
        default={}, max_length=200, description="Settings of the project by name; no secrets"
    )


START = Action[Project, NoInput](
    name="start",
    title="Start the project",
    description="Work on a planned project begins.",
    permission=Permission.MODULES_WRITE,
    moves={Status.PLANNED: Status.ACTIVE},
    input=NoInput,
    example=NoInput(),
)
PAUSE = Action[Project, NoInput](
    name="pause",
    title="Pause the project",
    description="Work on an active project rests until it is resumed.",
    permission=Permission.MODULES_WRITE,
    moves={Status.ACTIVE: Status.ON_HOLD},
    input=NoInput,
    example=NoInput(),
)
RESUME = Action[Project, NoInput](
    name="resume",
    title="Resume the project",
    description="Work on a paused project goes on.",
    permission=Permission.MODULES_WRITE,
    moves={Status.ON_HOLD: Status.ACTIVE},
    input=NoInput,
    example=NoInput(),
)
FINISH = Action[Project, NoInput](
    name="finish",
    title="Finish the project",
    description="Work on an active or paused project has ended.",
    permission=Permission.MODULES_WRITE,
    moves={Status.ACTIVE: Status.DONE, Status.ON_HOLD: Status.DONE},
    input=NoInput,
    example=NoInput(),
)

KIND = Kind[Project](
    name="project",
    title="Project",
    description="A piece of work, perhaps for a client, with its settings.",
    data=Project,
    name_field="name",
    statuses=tuple(Status),
    initial=Status.PLANNED,
    example=Project(name="Summer Tour", client="Alte Oper", configuration={"currency": "EUR"}),
    actions=(START, PAUSE, RESUME, FINISH),
)
