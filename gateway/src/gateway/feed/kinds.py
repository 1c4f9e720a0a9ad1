"""Which kinds a client wants: `types=modules.*,chats.message-sent`."""

from urllib.parse import parse_qsl

from chassis.http.failures import FieldError, InvalidInput
from chassis.http.problems import ProblemError
from contracts.registry import all_contracts, known_kind

MOST_PATTERNS = 50
_NAME = "types"


class Kinds:
    """A set of kinds and of whole services."""

    __slots__ = ("_exact", "_services")

    def __init__(self, patterns: list[str]) -> None:
        self._exact = frozenset(pattern for pattern in patterns if not pattern.endswith(".*"))
        self._services = frozenset(pattern.removesuffix(".*") for pattern in patterns if pattern.endswith(".*"))

    def has(self, kind: str) -> bool:
        return kind in self._exact or kind.partition(".")[0] in self._services


def wanted_kinds(query: bytes) -> Kinds | None:
    """The kinds that a query string names, None for all. Raises ProblemError (422) for what it does not know."""
    values = []
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name != _NAME:
            _refuse(name, "unknown", "the feed has one parameter, types")
        values.append(value)
    if not values:
        return None
    patterns = [pattern.strip() for value in values for pattern in value.split(",")]
    if len(patterns) > MOST_PATTERNS:
        _refuse(_NAME, "too-many", f"at most {MOST_PATTERNS} kinds can be named")
    for pattern in patterns:
        if not _is_known(pattern):
            _refuse(_NAME, "unknown-kind", "name kinds, e.g. chats.message-sent, or all of a service, e.g. modules.*")
    return Kinds(patterns)


def _is_known(pattern: str) -> bool:
    if pattern.endswith(".*"):
        return pattern.removesuffix(".*") in {event.contract.kind.partition(".")[0] for event in all_contracts()}
    return known_kind(pattern)


def _refuse(name: str, rule: str, detail: str) -> None:
    raise ProblemError(InvalidInput((FieldError(f"?{name[:80]}", rule, detail),)))
