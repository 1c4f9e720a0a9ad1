"""Keyset cursors: opaque, signed, good for one list of one organisation in one order and no other."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Scope

from chassis.http.failures import InvalidCursor
from chassis.http.problems import ProblemError
from chassis.paging import Position

_MAC_BYTES = 16

B = TypeVar("B", bound=BaseModel)


class ListQuery(BaseModel):
    """The query of every list. A list with filters adds them in a subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=200, description="Items in a page")] = 50
    cursor: Annotated[str | None, Field(max_length=1024, description="`next_cursor` of the page before")] = None


class Paged(BaseModel, Generic[B]):
    """A page. `next_cursor` is null on the last one."""

    items: list[B]
    next_cursor: str | None = None


class Cursors:
    """Seals positions into cursors and opens them again. `keys` are the encryption keys, newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [hmac.digest(key, b"stoa cursor", "sha256") for key in keys]

    def seal(self, position: Position, scope: bytes) -> str:
        """The cursor that continues after `position`; `scope` says which list."""
        text = orjson.dumps(position)
        return base64.urlsafe_b64encode(_mac(self._keys[0], scope, text) + text).rstrip(b"=").decode()

    def open(self, cursor: str, scope: bytes) -> Position:
        """The position. Raises ProblemError (400) for a cursor that was altered or made for another list."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (ValueError, binascii.Error):
            raise ProblemError(InvalidCursor()) from None
        mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, _mac(key, scope, text)) for key in self._keys):
            raise ProblemError(InvalidCursor())
        return tuple(orjson.loads(text))


def _mac(key: bytes, scope: bytes, text: bytes) -> bytes:
    return hmac.digest(key, hashlib.sha256(scope).digest() + text, "sha256")[:_MAC_BYTES]


def list_scope(organisation: str, sort: str, request: Scope) -> bytes:
    """Names one list: whose, in which order, at which path, with which filters."""
    query = parse_qsl(request["query_string"].decode("latin-1"), keep_blank_values=True)
    filters = sorted((name, value) for name, value in query if name not in ("limit", "cursor"))
    return orjson.dumps([organisation, sort, request["path"], filters])
