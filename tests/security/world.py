"""The people of the access matrix, and how one of them calls a route."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import httpx

from ..people import SECONDS, Json, Organisation, Person
from .matrix import CALLERS, Row


@dataclass(frozen=True)
class Given:
    """What a situation sets: what the ids of the path name, what is sent.

    Without a `body`, the example that the OpenAPI document gives is sent. `ends_session`: each caller comes with a
    session made for this call, because the route ends it.
    """

    ids: dict[str, str] = field(default_factory=dict)
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    ends_session: bool = False


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; of a stream only its beginning is awaited, and its body is empty."""

    status: int
    headers: httpx.Headers
    body: str


class World:
    """Two organisations, one of the operator's own, and one person for each column of the matrix.

    `make_operator` makes an operator of the platform of somebody, by their address.
    """

    def __init__(self, url: str, make_operator: Callable[[str], None]) -> None:
        self.organisation, self.elsewhere = Organisation.founded(url), Organisation.founded(url)
        self.owner = self.organisation.founder
        self.member = self.organisation.join("editor")
        self.viewer = self.organisation.join("viewer")
        self.foreign = self.elsewhere.founder
        self.operator = Organisation.founded(url).founder
        make_operator(self.operator.email)
        self.operator.sign_in()
        self._url = url
        self._spare: UUID | None = None

    @cached_property
    def clients(self) -> dict[str, httpx.Client]:
        """The HTTP client of each caller, by the matrix' column."""
        known = {name: getattr(self, name).http for name in CALLERS if name != "nobody"}
        return {**known, "nobody": httpx.Client(base_url=self._url, timeout=SECONDS)}

    @cached_property
    def document(self) -> dict[str, Any]:
        """The merged OpenAPI document."""
        found: dict[str, Any] = self.clients["nobody"].get("/api/v1/openapi.json").raise_for_status().json()
        return found

    @property
    def spare(self) -> Json:
        """A member of the organisation whom a test may demote and remove; there is always one."""
        if self._spare is not None:
            found = self.owner.http.get(f"/api/v1/organisation/members/{self._spare}")
            if found.status_code == 200:
                return dict(found.json())
        self._spare = self.organisation.join("viewer").id
        return self.spare

    @property
    def people(self) -> list[Person]:
        return [self.owner, self.member, self.viewer, self.foreign]

    def operation(self, row: Row) -> Json:
        """What the document says of a route."""
        found: Json = self.document["paths"][row.path][row.method.lower()]
        return found

    def takes(self, row: Row, header: str) -> bool:
        """Whether the operation names this header as a parameter."""
        parameters = self.operation(row).get("parameters", [])
        return any(one["in"] == "header" and one["name"].lower() == header.lower() for one in parameters)

    def body_schema(self, row: Row) -> Json | None:
        """The schema of the operation's JSON body; None where it takes none."""
        content = self._content(row)
        return None if content is None else self._resolved(content["schema"])

    def body(self, row: Row, given: Given) -> Any:
        """What is sent in a situation: its own body, else the document's example; None where there is no body."""
        content = self._content(row)
        if content is None or given.body is not None:
            return given.body
        for example in content.get("examples", {}).values():
            return example["value"]
        return content.get("example", self._resolved(content["schema"]).get("example"))

    def call(self, caller: str, row: Row, given: Given, **request: Any) -> Answer:
        """What the caller gets; `request` replaces what the situation sends, as arguments of httpx."""
        sent = {"headers": given.headers, "json": self.body(row, given), **request}
        if given.ends_session and caller != "nobody":
            sent["headers"] = {**sent["headers"], "Authorization": f"Bearer {self._second_token(caller)}"}
        with self.clients[caller].stream(row.method, row.path.format_map(given.ids), **sent) as answer:
            endless = answer.headers.get("content-type", "").startswith("text/event-stream")
            return Answer(answer.status_code, answer.headers, "" if endless else answer.read().decode())

    def _second_token(self, caller: str) -> str:
        person: Person = getattr(self, caller)
        tokens = person.call("POST", "/api/v1/auth/login", 200, json=person.credentials)
        return str(tokens["access_token"])

    def _content(self, row: Row) -> Json | None:
        found: Json | None = self.operation(row).get("requestBody", {}).get("content", {}).get("application/json")
        return found

    def _resolved(self, schema: Json) -> Json:
        if "$ref" not in schema:
            return schema
        found: Json = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
