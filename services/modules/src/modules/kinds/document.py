"""Documents: text that people and agents write together."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from contracts.permissions import Permission
from modules.domain.kind import Action, Kind, Rule
from modules.kinds import Data, Name, NoInput

MOST_TAGS = 50


def _each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(tags)) != len(tags):
        raise ValueError("each tag may stand here once")
    return tags


Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Tags = Annotated[
    tuple[Tag, ...], Field(max_length=MOST_TAGS, json_schema_extra={"uniqueItems": True}), AfterValidator(_each_once)
]


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Document(Data):
    """A text with a title."""

    title: Name = Field(description="What the document is called", examples=["Stage plan"])
    body: str = Field(default="", max_length=100_000, description="The text, plain or Markdown")
    tags: Tags = Field(default=(), description="Words to find it by")


class Tagging(Data):
    """Tags to add and to remove; removing one that is not there, or adding one that is, changes nothing."""

    add: Tags = Field(default=(), description="Tags that it gets")
    remove: Tags = Field(default=(), description="Tags that it loses")


def with_tags(document: Document, tagging: Tagging) -> Document:
    kept = [tag for tag in document.tags if tag not in tagging.remove]
    return document.model_copy(update={"tags": tuple(dict.fromkeys([*kept, *tagging.add]))})


def has_text(_: str, document: Document) -> bool:
    return bool(document.body.strip())


def is_not_archived(status: str, _: Document) -> bool:
    return status != Status.ARCHIVED


PUBLISH = Action[Document, NoInput](
    name="publish",
    title="Publish the document",
    description="A draft becomes final for its readers; it may still be changed.",
    permission=Permission.MODULES_WRITE,
    moves={Status.DRAFT: Status.PUBLISHED},
    input=NoInput,
    example=NoInput(),
    rules=(Rule("published-documents-have-a-text", "A document needs a text before it is published.", has_text),),
)
ARCHIVE = Action[Document, NoInput](
    name="archive",
    title="Archive the document",
    description="It is put away and does not change until it is reopened.",
    permission=Permission.MODULES_WRITE,
    moves={Status.DRAFT: Status.ARCHIVED, Status.PUBLISHED: Status.ARCHIVED},
    input=NoInput,
    example=NoInput(),
)
REOPEN = Action[Document, NoInput](
    name="reopen",
    title="Reopen the document",
    description="An archived document becomes a draft again.",
    permission=Permission.MODULES_WRITE,
    moves={Status.ARCHIVED: Status.DRAFT},
    input=NoInput,
    example=NoInput(),
)
TAG = Action[Document, Tagging](
    name="tag",
    title="Tag the document",
    description="Adds tags and removes others, and leaves the rest as they are.",
    permission=Permission.MODULES_WRITE,
    moves={Status.DRAFT: Status.DRAFT, Status.PUBLISHED: Status.PUBLISHED},
    input=Tagging,
    example=Tagging(add=("stage",), remove=("draft",)),
    apply=with_tags,
)

KIND = Kind[Document](
    name="document",
    title="Document",
    description="A text with a title and tags.",
    data=Document,
    name_field="title",
    statuses=tuple(Status),
    initial=Status.DRAFT,
    example=Document(title="Stage plan", body="The stage is *12 m* wide.", tags=("stage", "summer")),
    actions=(PUBLISH, ARCHIVE, REOPEN, TAG),
    rules=(Rule("archived-documents-do-not-change", "An archived document does not change.", is_not_archived),),
)
