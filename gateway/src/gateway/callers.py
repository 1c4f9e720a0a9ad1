"""Who calls, as the log is told as well."""

from structlog.contextvars import bind_contextvars

from chassis.http.identity import Identity
from chassis.http.tokens import Caller
from gateway.proxy.headers import RawHeaders, value_of


async def caller_of(identity: Identity, headers: RawHeaders) -> Caller:
    """The caller that the Authorization header names. Raises ProblemError: 401, or 503 while no key is known."""
    caller = await identity.of(value_of(headers, b"authorization"))
    bind_contextvars(user_id=str(caller.user_id), org_id=str(caller.org_id))
    return caller
