"""What a route answers when its use case succeeded."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with a status. `etag` is the revision of the object; `location` is a path.

    `stored`: what is kept under an idempotency key instead of a body that tells a secret.
    """

    body: BaseModel | None
    status: int = 200
    etag: int | None = None
    location: str | None = None
    stored: BaseModel | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as it goes out, and as it is stored under an idempotency key; `replayed` when it comes from there.

    `stored_body`: the body that is kept there, where the one that goes out tells a secret.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    replayed: bool = False
    stored_body: bytes | None = None

    @classmethod
    def of(cls, answer: Answer) -> "Rendered":
        headers = {}
        if answer.etag is not None:
            headers["ETag"] = f'"{answer.etag}"'
        if answer.location is not None:
            headers["Location"] = answer.location
        if answer.body is None:
            return cls(answer.status, headers, b"")
        headers["Content-Type"] = "application/json"
        stored = answer.stored.model_dump_json().encode() if answer.stored is not None else None
        return cls(answer.status, headers, answer.body.model_dump_json().encode(), stored_body=stored)

    def response(self) -> Response:
        extra = {"Idempotency-Replayed": "true"} if self.replayed else {}
        return Response(self.body, self.status, {**self.headers, **extra})


def ok(body: BaseModel, *, etag: int | None = None) -> Answer:
    return Answer(body, 200, etag)


def created(body: BaseModel, *, at: str, etag: int | None = None, stored: BaseModel | None = None) -> Answer:
    """201 for a new object that is found at the path `at`."""
    return Answer(body, 201, etag, at, stored)


def accepted(body: BaseModel, *, at: str | None = None) -> Answer:
    """202: the work goes on after the answer."""
    return Answer(body, 202, None, at)


def no_content() -> Answer:
    return Answer(None, 204)
