"""The reverse proxy: what a client sends goes to a service, and the answer back, both as streams."""

import structlog
from starlette.types import Message, Receive, Scope, Send

from chassis.core.errors import Failure
from chassis.http.failures import MalformedRequest
from chassis.http.problems import ProblemError
from chassis.http.tokens import Caller
from chassis.telemetry import current_traceparent
from gateway.cut import Cut
from gateway.failures import AnswerLost, ServiceAway, ServiceTooSlow
from gateway.proxy.body import Body, ClientGone
from gateway.proxy.headers import RawHeaders, forwarded, returned, value_of
from gateway.proxy.upstreams import Incoming, NotReached, Outgoing, TooSlow, UpstreamFailed, Upstreams
from gateway.streams import OpenStreams

log = structlog.get_logger("proxy")

_AT_ONCE_BYTES = 65_536
"""An answer up to this length goes out in one piece; a longer one, or one without a length, as it comes."""

_LAST: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class Proxy:
    """Passes one request through. Identity, forwarding and hop-by-hop headers of the client stay behind."""

    def __init__(self, upstreams: Upstreams, streams: OpenStreams) -> None:
        self._upstreams = upstreams
        self._streams = streams

    async def pass_on(self, service: str, caller: Caller | None, scope: Scope, receive: Receive, send: Send) -> None:
        """`caller` is None on open routes. Raises ProblemError while no answer has begun."""
        with Cut() as cut:
            body = Body(scope["headers"], receive, cut)
            try:
                answer = await self._upstreams.send(await _outgoing(service, scope, body))
            except ClientGone:
                return
            except UpstreamFailed as error:
                if body.gone:
                    return
                raise ProblemError(_failure(service, error, body)) from error
            try:
                await self._give_back(answer, caller, cut, send)
            except UpstreamFailed as error:
                # The answer has begun: leaving it unfinished is all that can tell the client.
                log.warning("answer-broken-off", upstream=service, error=str(error))
            finally:
                answer.close()

    async def _give_back(self, answer: Incoming, caller: Caller | None, cut: Cut, send: Send) -> None:
        headers = returned(answer.headers)
        head: Message = {"type": "http.response.start", "status": answer.status, "headers": headers}
        length = value_of(headers, b"content-length")
        if length is not None and int(length) <= _AT_ONCE_BYTES:
            whole = await answer.whole()
            await send(head)
            await send({"type": "http.response.body", "body": whole})
        elif caller is not None and _is_event_stream(headers):
            await send(head)
            await self._stream(answer, caller, send)
        else:
            await send(head)
            await _copy(answer, send)

    async def _stream(self, answer: Incoming, caller: Caller, send: Send) -> None:
        """A stream of events ends with its caller's token; the client sees a proper end and may come back."""
        with Cut() as ending, self._streams.holding(ending, caller):
            await _copy(answer, send)
        if ending.reason is not None:
            await send(_LAST)


async def _outgoing(service: str, scope: Scope, body: Body) -> Outgoing:
    headers = forwarded(scope["headers"])
    headers.append(("x-request-id", scope["request_id"]))
    traceparent = current_traceparent()
    if traceparent is not None:
        headers.append(("traceparent", traceparent))
    content = await body.begin()
    if body.length is not None and content is not None and not isinstance(content, bytes):
        headers.append(("content-length", body.length))
    return Outgoing(service, scope["method"], _target(scope), headers, content)


def _target(scope: Scope) -> str:
    query: bytes = scope["query_string"]
    try:
        path: str = scope["raw_path"].decode("ascii")
        return f"{path}?{query.decode('ascii')}" if query else path
    except UnicodeDecodeError:
        raise ProblemError(MalformedRequest("a path and its query are ASCII; encode the rest as %XX")) from None


async def _copy(answer: Incoming, send: Send) -> None:
    async for chunk in answer.chunks():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send(_LAST)


def _is_event_stream(headers: RawHeaders) -> bool:
    return (value_of(headers, b"content-type") or "").startswith("text/event-stream")


def _failure(service: str, error: UpstreamFailed, body: Body) -> Failure:
    """What the client is told. If its own body was the reason, that."""
    if body.refused is not None:
        return body.refused
    log.warning("upstream-failed", upstream=service, sort=type(error).__name__, error=str(error))
    if isinstance(error, NotReached):
        return ServiceAway()
    return ServiceTooSlow() if isinstance(error, TooSlow) else AnswerLost()
