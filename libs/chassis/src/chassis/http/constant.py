"""Answers that are the same for everybody as long as a process runs."""

import hashlib

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response


class Constant:
    """A body that is encoded once. A client that has it, as its `If-None-Match` says, gets 304 without it (RFC 9110,
    section 13.1.2). It is to be asked for again at each use, since the next release may have another."""

    def __init__(self, body: BaseModel) -> None:
        self._body = body.model_dump_json().encode()
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:32]}"'
        self._headers = {"ETag": self._etag, "Cache-Control": "no-cache", "Content-Type": "application/json"}

    def response(self, request: Request) -> Response:
        known = ",".join(request.headers.getlist("if-none-match"))
        if {"*", self._etag} & {tag.strip().removeprefix("W/") for tag in known.split(",")}:
            return Response(status_code=304, headers={"ETag": self._etag, "Cache-Control": "no-cache"})
        return Response(self._body, headers=self._headers)
