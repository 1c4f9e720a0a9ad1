"""The people of the access matrix, and how one of them calls a route."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from ..people import SECONDS, Json, Organisation, Person
from .matrix import Row


@dataclass(frozen=True)
class Given:
    """What a situation sets: what the ids of the path name, what is sent.

    Without a `body`, the example that the OpenAPI document gives is sent.
    """

    ids: dict[str, str] = field(default_factory=dict)
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; of a stream only its beginning is awaited, and its body is empty."""

    status: int
    headers: httpx.Headers
    body: str


class World:
    """Two organisations, and one person for each column of the matrix."""

    def __init__(self, url: str) -> None:
        self.organisation, self.elsewhere = Organisation.founded(url), Organisation.founded(url)
        self.owner = self.organisation.founder
        self.member = self.organisation.join("editor")
        self.viewer = self.organisation.join("viewer")
        self.foreign = self.elsewhere.founder
        self._url = url

    @cached_property
    def clients(self) -> dict[str, httpx.Client]:
        """The HTTP client of each caller, by the matrix' column."""
        known = {name: getattr(self, name).http for name in ("owner", "member", "viewer", "foreign")}
        return {**known, "nobody": httpx.Client(base_url=self._url, timeout=SECONDS)}

    @cached_property
    def document(self) -> dict[str, Any]:
        """The merged OpenAPI document."""
        found: dict[str, Any] = self.clients["nobody"].get("/api/v1/openapi.json").raise_for_status().json()
        return found

    @property
    def people(self) -> list[Person]:
        return [self.owner, self.member, self.viewer, self.foreign]

    def example(self, method: str, path: str) -> Any:
        """The example body of an operation; None where it takes none."""
        operation = self.document["paths"][path][method.lower()]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return None
        schema = self.resolved(content["schema"])
        return content.get("example", schema.get("example", next(iter(schema.get("examples", [])), None)))

    def resolved(self, schema: Json) -> Json:
        """The schema itself where it is a reference to one."""
        if "$ref" not in schema:
            return schema
        found: Json = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found

    def call(self, caller: str, row: Row, given: Given) -> Answer:
        """What the caller gets. Every request that changes something carries an If-Match that fits or is ignored."""
        body = self.example(row.method, row.path) if given.body is None else given.body
        path = row.path.format_map(given.ids)
        with self.clients[caller].stream(row.method, path, headers=given.headers, json=body) as answer:
            endless = answer.headers.get("content-type", "").startswith("text/event-stream")
            return Answer(answer.status_code, answer.headers, "" if endless else answer.read().decode())
