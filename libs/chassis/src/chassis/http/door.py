"""The door of a request: it knows who calls and under which conditions, runs one use case, and makes the answer."""

import re
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi.security.base import SecurityBase
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from chassis.core import Actor, Err, Ok, Result
from chassis.http.answers import Answer, Rendered
from chassis.http.failures import IfMatchMalformed, IfMatchRequired
from chassis.http.idempotency import KeyedRequest, checked, digest_of
from chassis.http.identity import Identity
from chassis.http.pages import Cursors, ListQuery, Paged, list_scope
from chassis.http.problems import ProblemError, problem
from chassis.http.routing import route_template
from chassis.http.tokens import Caller
from chassis.paging import Listed, Page
from chassis.use_case import Context, Runner, Work

_ETAG = re.compile(r'"(0|[1-9][0-9]{0,17})"')

Tx_co = TypeVar("Tx_co", covariant=True)
C = TypeVar("C")
V = TypeVar("V")
B = TypeVar("B", bound=BaseModel)


class Door(Generic[Tx_co]):
    """One request of a known caller. Routes translate to a command, hand it in, and say how the result looks."""

    def __init__(self, request: Request, caller: Caller, runner: Runner[Tx_co], cursors: Cursors) -> None:
        self.caller = caller
        self.request = request
        self._runner = runner
        self._cursors = cursors

    @property
    def context(self) -> Context:
        """Under what a command of this request is done: user, organisation and role as the token says."""
        caller = self.caller
        return Context(
            actor=Actor.user(caller.user_id),
            org_id=caller.org_id,
            role=caller.role,
            correlation_id=correlation_id(self.request.scope.get("request_id", "")),
        )

    async def read(
        self, use_case: Callable[[Tx_co, C], Awaitable[Result[V]]], query: C, present: Callable[[V], Answer]
    ) -> Response:
        """Answers a query; a failure as its problem."""
        result = await self._runner.run(self.context, use_case, query)
        if isinstance(result, Err):
            return problem(result.failure, self.request.scope)
        return Rendered.of(present(result.value)).response()

    async def write(
        self, use_case: Callable[[Tx_co, C], Awaitable[Result[V]]], command: C, present: Callable[[V], Answer]
    ) -> Response:
        """Runs a command in one transaction and answers. With an Idempotency-Key the answer is stored in the same
        transaction; a repeat gets the stored one, and the header `Idempotency-Replayed: true`."""
        keyed = await self._keyed()

        async def body(work: Work) -> Result[Rendered]:
            async def run() -> Result[Rendered]:
                result = await use_case(self._runner.bind(work), command)
                return result if isinstance(result, Err) else Ok(Rendered.of(present(result.value)))

            return await (keyed.once(work.connection, run) if keyed is not None else run())

        done = await self._runner.transact(self.context, body)
        if isinstance(done, Err):
            return problem(done.failure, self.request.scope)
        return done.value.response()

    def expected_revision(self) -> int:
        """The revision that the caller has read, from If-Match. Raises ProblemError: 428 without one, 400 for anything
        but one strong ETag (`*`, lists and weak tags would let a change through unread)."""
        header = self.request.headers.get("if-match")
        if header is None:
            raise ProblemError(IfMatchRequired())
        match = _ETAG.fullmatch(header.strip())
        if match is None:
            raise ProblemError(IfMatchMalformed())
        return int(match[1])

    def page(self, query: ListQuery, *, sort: str) -> Page:
        """The page that is asked for. `sort` names the order. Raises ProblemError (400) for a foreign cursor."""
        if query.cursor is None:
            return Page(query.limit)
        return Page(query.limit, self._cursors.open(query.cursor, self._list_scope(sort)))

    def listed(self, found: Listed[V], of: Callable[[V], B], *, sort: str) -> Answer:
        """The answer of a list: each item as `of` shows it, and the cursor of the next page in the same order."""
        cursor = self._cursors.seal(found.end, self._list_scope(sort)) if found.end is not None else None
        items = [of(item) for item in found.items]
        return Answer(Paged.model_construct(items=items, next_cursor=cursor))

    def _list_scope(self, sort: str) -> bytes:
        return list_scope(str(self.caller.org_id), sort, self.request.scope)

    async def _keyed(self) -> KeyedRequest | None:
        key = self.request.headers.get("idempotency-key")
        if key is None or self.request.method != "POST":
            return None
        scope = self.request.scope
        digest = digest_of(scope["path"], scope["query_string"], await self.request.body())
        return KeyedRequest(self.caller.org_id, self.caller.user_id, route_template(scope), checked(key), digest)


class Doors(SecurityBase, Generic[Tx_co]):
    """FastAPI dependency that opens a `Door[Tx_co]` for a request with a valid token: `Depends(doors)`."""

    def __init__(self, identity: Identity, runner: Runner[Tx_co], cursors: Cursors) -> None:
        self.model = identity.model
        self.scheme_name = identity.scheme_name
        self._identity = identity
        self._runner = runner
        self._cursors = cursors

    async def __call__(self, request: Request) -> Door[Tx_co]:
        return Door(request, await self._identity(request), self._runner, self._cursors)


def correlation_id(request_id: str) -> UUID:
    """The id that ties a request to its events: the request id itself where that is a UUID, else one made from it."""
    try:
        return UUID(request_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"urn:stoa:request:{request_id}")
