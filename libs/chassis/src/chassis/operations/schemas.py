"""Bodies of the operators' routes."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chassis.http.pages import ListQuery
from chassis.operations.dead_letters import Choice, Discarded, Letter, Opened

LONGEST_NAME = 1024
LARGEST_ID = 2**63 - 1

_CONSUMER = "chats.transcript"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("printable", "control characters are not allowed")
    return text


def strict(**example: Any) -> ConfigDict:
    """The rules of a body that is sent, with an example of it."""
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


Name = Annotated[str, Field(max_length=LONGEST_NAME)]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(_printable),
    Field(description="Why; it is kept with your name"),
]


class DeadLettersQuery(ListQuery):
    """Each filter counts where it is given."""

    consumer: Name | None = None
    topic: Name | None = None
    key: Name | None = None

    @property
    def choice(self) -> Choice:
        return Choice(consumer=self.consumer, topic=self.topic, key=self.key)


class DeadLetterBody(BaseModel):
    """An event that is parked. `position`: partition and offset of its topic.

    `behind`: the first of its key, which is tried before it. With neither `behind`, `retry_at` nor `deadline` it waits
    for a person.
    """

    id: int
    consumer: str
    topic: str
    key: str
    event_id: str
    sequence: int | None
    kind: str | None
    position: str = Field(examples=["4/1041"])
    error: str
    attempts: int
    retry_at: datetime | None
    deadline: datetime | None
    parked_at: datetime
    behind: int | None

    @classmethod
    def of(cls, letter: Letter) -> "DeadLetterBody":
        return cls(**_fields(letter))


class BytesBody(BaseModel):
    """Bytes as they are, and as text where they are UTF-8."""

    base64: str
    text: str | None

    @classmethod
    def of(cls, content: bytes | None) -> "BytesBody | None":
        return None if content is None else cls(base64=base64.b64encode(content).decode(), text=_text(content))


class HeaderBody(BaseModel):
    name: str
    value: BytesBody | None


class HeldBody(BaseModel):
    """How many wait behind a dead letter, and the ids of the first hundred in their order."""

    count: int
    ids: list[int]


class OpenedBody(DeadLetterBody):
    """A dead letter with all that it holds. `json`: its value, where that is JSON."""

    headers: list[HeaderBody]
    value: BytesBody | None
    json_value: Any = Field(serialization_alias="json")
    held: HeldBody

    @classmethod
    def showing(cls, found: Opened) -> "OpenedBody":
        return cls(
            **_fields(found.letter),
            headers=[HeaderBody(name=name, value=BytesBody.of(value)) for name, value in found.headers],
            value=BytesBody.of(found.value),
            json_value=_json(found.value),
            held=HeldBody(count=found.held, ids=list(found.held_ids)),
        )


class RedriveBody(BaseModel):
    """One dead letter's key, those of a consumer, perhaps of one topic or key of it, or all."""

    model_config = strict(consumer=_CONSUMER)

    id: Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID)] | None = None
    consumer: Name | None = None
    topic: Name | None = None
    key: Name | None = None
    all: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one_choice(self) -> "RedriveBody":
        given = [self.id is not None, self.consumer is not None, self.all is not None]
        narrowed = self.topic is not None or self.key is not None
        if sum(given) != 1 or (narrowed and self.consumer is None):
            raise PydanticCustomError("one-choice", "give id, or consumer (with topic, key), or all")
        return self

    @property
    def choice(self) -> Choice:
        return Choice(id=self.id, consumer=self.consumer, topic=self.topic, key=self.key)


class RedrivenBody(BaseModel):
    """The ids of those that are tried now, each the first of its key."""

    ids: list[int]


class DiscardBody(BaseModel):
    model_config = strict(reason="Sent twice by a script that is gone")

    reason: Reason


class DiscardedBody(BaseModel):
    """`next_id`: what follows in its key and is tried now."""

    id: int
    next_id: int | None

    @classmethod
    def of(cls, discarded: Discarded) -> "DiscardedBody":
        return cls(id=discarded.letter.id, next_id=discarded.next_id)


def _fields(letter: Letter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in DeadLetterBody.model_fields}


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _json(content: bytes | None) -> Any:
    try:
        return orjson.loads(content or b"")
    except orjson.JSONDecodeError:
        return None
