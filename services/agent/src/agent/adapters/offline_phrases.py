"""What the offline model understands: a few plain English orders about the kinds it has tools for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

_ASK = r"^\W*(?:(?:please|kindly|can you|could you|would you|hey|hi|hello|ok)\b\W*)*"
_THE = r"(?:(?:a|an|the|my|our|all|new|another)\s+)*"
_CALLED = r"(?:(?:called|named|titled)\s+)"


@dataclass(frozen=True, slots=True)
class Create:
    """Create a `kind` named `name`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Give the `kind` named `name` the name `to`."""

    kind: str
    name: str
    to: str


@dataclass(frozen=True, slots=True)
class Find:
    """Find the modules of `kind`; `name` is a part of the name, or None for all."""

    kind: str
    name: str | None


Order: TypeAlias = Create | Rename | Find


def understand(text: str, kinds: Iterable[str]) -> Order | None:
    """The order in `text`, or None. `kinds` are names such as `project` or `site_plan`."""
    named = {kind.replace("_", " ").replace("-", " "): kind for kind in kinds}
    if not named:
        return None
    words = "|".join(re.escape(name).replace(r"\ ", r"[ _-]") for name in sorted(named, key=len, reverse=True))
    for verb, order in (("create|make|add", _create), ("rename", _rename), ("find|list|show|search(?: for)?", _find)):
        pattern = rf"{_ASK}(?:{verb})(?:\s+me)?\s+{_THE}(?P<kind>{words})s?\b\s*{_CALLED}?(?P<rest>.*)$"
        if match := re.match(pattern, " ".join(text.split()), re.IGNORECASE):
            kind = named[re.sub("[_-]", " ", match["kind"]).lower()]
            return order(kind, match["rest"])
    return None


def _create(kind: str, rest: str) -> Order | None:
    name = _bare(rest)
    return Create(kind, name) if name else None


def _rename(kind: str, rest: str) -> Order | None:
    before, to, after = rest.rpartition(" to ")
    if not to or not _bare(before) or not _bare(after):
        return None
    return Rename(kind, _bare(before), _bare(after))


def _find(kind: str, rest: str) -> Order:
    return Find(kind, _bare(rest) or None)


def _bare(name: str) -> str:
    """Without the quotation marks around it and the full stop behind it."""
    return name.strip().rstrip(".!?").strip().strip("\"'“”‘’«»„`").strip()
