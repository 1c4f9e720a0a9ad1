"""Bodies of the REST API of modules."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from chassis.http.pages import ListQuery
from modules.application.views import KindView, ModuleSummary, VersionView

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""A name on the wire: of a kind, a status, an action."""


class CreateModuleBody(BaseModel):
    """A new module. What `data` must be is in the kind's `data_schema`."""

    model_config = ConfigDict(extra="forbid")

    kind: Word
    data: dict[str, JsonValue]


class ChangeModuleBody(BaseModel):
    """A JSON merge patch (RFC 7396): fields left out stay, null removes one, lists are replaced."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"data": {"name": "Winter Tour"}}})

    data: dict[str, JsonValue]


class ActBody(BaseModel):
    """What the action is given. What `input` must be is in the action's `input_schema`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"input": {}}})

    input: dict[str, JsonValue] = Field(default={})


class ModulesQuery(ListQuery):
    kind: Word | None = None
    status: Word | None = None
    owner: UUID | None = Field(default=None, description="Id of a user")


class VersionsQuery(ListQuery):
    """Pages are smaller than others: each version carries all the data it had."""

    limit: Annotated[int, Field(ge=1, le=50, description="Items in a page")] = 20


class ModuleSummaryBody(BaseModel):
    id: UUID
    kind: str
    name: str
    status: str
    owner_id: UUID
    created_at: datetime
    changed_at: datetime
    revision: int

    @classmethod
    def of(cls, module: ModuleSummary) -> "ModuleSummaryBody":
        return cls.model_validate(vars(module))


class ModuleBody(ModuleSummaryBody):
    data: dict[str, Any]

    @classmethod
    def of(cls, module: ModuleSummary) -> "ModuleBody":
        return cls.model_validate(vars(module))


class AuthorBody(BaseModel):
    """The user who acts; where an agent acted for them, also the agent in its version, its run and the tool call."""

    user_id: UUID
    agent_id: UUID | None
    agent_version: int | None
    run_id: UUID | None
    tool_call: UUID | None


class VersionBody(BaseModel):
    """A module as it was after one change. `revision` is the one that it had then."""

    revision: int
    change: str = Field(description="created, changed, action-applied or deleted")
    action: str | None
    fields: list[str] = Field(description="Names of the fields of `data` that have new values")
    author: AuthorBody
    at: datetime
    name: str
    status: str
    data: dict[str, Any]

    @classmethod
    def of(cls, version: VersionView) -> "VersionBody":
        known = vars(version)
        renamed = {"revision": version.number, "change": version.what, "fields": version.changed}
        return cls.model_validate({**known, **renamed, "author": known})


class ActionBody(BaseModel):
    name: str
    title: str
    description: str
    permission: str
    possible_in: list[str] = Field(description="The statuses in which a module must be for it")
    input_schema: dict[str, Any] = Field(description="JSON Schema (2020-12) of `input`")
    example: dict[str, Any]


class KindBody(BaseModel):
    name: str
    title: str
    description: str
    statuses: list[str]
    data_schema: dict[str, Any] = Field(description="JSON Schema (2020-12) of `data`")
    example: dict[str, Any]
    actions: list[ActionBody]

    @classmethod
    def of(cls, kind: KindView) -> "KindBody":
        return cls.model_validate(kind, from_attributes=True)
