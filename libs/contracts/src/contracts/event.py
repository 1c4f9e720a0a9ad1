"""What an event is: a model of its data, and the contract it is published under."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from contracts.registry import register
from contracts.topics import Topic


@dataclass(frozen=True)
class Contract:
    """What is promised about one kind in one version. `audience` tells from the event who may see it live; `readers`
    are consumer names, `<service>.<purpose>`: those who must upgrade before a breaking change is published.
    """

    kind: str
    version: int
    topic: Topic
    audience: Callable[[Any], str]
    readers: tuple[str, ...]

    @property
    def schema_uri(self) -> str:
        """The value of `ce_dataschema`."""
        return f"urn:stoa:schema:{self.kind}:{self.version}"


class Event(BaseModel):
    """The data of one kind and version. Frozen; readers ignore fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False)

    contract: ClassVar[Contract]

    def encode(self) -> bytes:
        """The Kafka value: JSON in UTF-8, every field present."""
        return self.model_dump_json().encode()


class Part(BaseModel):
    """An object inside an event's data, under the same rules as the event."""

    model_config = Event.model_config


E = TypeVar("E", bound=Event)


def contract(
    kind: str, *, topic: Topic, audience: Callable[[Any], str], version: int = 1, readers: tuple[str, ...] = ()
) -> Callable[[type[E]], type[E]]:
    """Class decorator that puts an event under its contract and registers it.

    Raises ValueError when another class has claimed the same kind and version.
    """

    def declare(event: type[E]) -> type[E]:
        event.contract = Contract(kind, version, topic, audience, readers)
        register(event)
        return event

    return declare


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time; on the wire RFC 3339, in UTC, with `Z`."""

Ordinal = Annotated[int, Field(ge=1)]
"""A version, revision or number that counts from 1."""
