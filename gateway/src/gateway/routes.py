"""Which service answers which path: the first segment under `/api/v1` decides; for operators' routes the second."""

from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "/api/v1/"
JWKS_PATH = "/.well-known/jwks.json"

SEGMENTS: Mapping[str, str] = {
    "auth": "auth",
    "organisation": "auth",
    "modules": "modules",
    "module-kinds": "modules",
    "chats": "chats",
    "agent": "agent",
    "agents": "agent",
    "runs": "agent",
}

OPEN = frozenset(
    {
        ("POST", "/api/v1/auth/register"),
        ("POST", "/api/v1/auth/login"),
        ("POST", "/api/v1/auth/refresh"),
        ("GET", JWKS_PATH),
        ("HEAD", JWKS_PATH),
    }
)
"""Method and path of what is answered without an access token; all else needs one before it reaches a service."""

SERVICES = frozenset(SEGMENTS.values())


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `label` names the route in metrics and traces, without ids."""

    service: str
    label: str


_TARGETS = {segment: Target(service, f"{PREFIX}{segment}/*") for segment, service in SEGMENTS.items()}
_JWKS = Target("auth", JWKS_PATH)

_OPERATIONS = "operations"
_OPERATED = {service: Target(service, f"{PREFIX}{_OPERATIONS}/{service}/*") for service in sorted(SERVICES)}


def find_target(path: str) -> Target | None:
    """The target of a decoded path, or None where no service has it."""
    if not path.startswith(PREFIX):
        return _JWKS if path == JWKS_PATH else None
    first, _, rest = path[len(PREFIX) :].partition("/")
    return _OPERATED.get(rest.partition("/")[0]) if first == _OPERATIONS else _TARGETS.get(first)


def is_open(method: str, path: str) -> bool:
    """Whether the request needs no token. Only the very path is open: not one that is merely equal to it somehow."""
    return (method, path) in OPEN
