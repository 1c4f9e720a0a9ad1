"""The envelope: CloudEvents 1.0 in Kafka's binary mode, as a value and as headers.

The attributes travel as headers, the data is the value; see the CloudEvents Kafka protocol binding 1.0.2, section 3.2.
What `to_headers` writes, `from_headers` reads: both apply the same rules, so no writer can publish poison.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from contracts.actor import ACTOR, UUID_PATTERN
from contracts.event import Event
from contracts.registry import find, known_kind

MOST_HEADERS: Final = 64
LONGEST_HEADER: Final = 4096
"""In bytes; the longest of ours is the audience of a chat with 50 participants, 1,855 bytes."""


class BadEnvelope(Exception):
    """Headers that are no envelope: `field` is the header's name, `rule` what it breaks. Never holds the value."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field!r} {rule}")
        self.field = field
        self.rule = rule


class UnknownKind(Exception):
    """No version of this kind is declared here: to be skipped and counted."""


class UnknownVersion(Exception):
    """The kind is known, this version is not: poison until this reader is upgraded."""


class BadData(Exception):
    """The value is not what the kind's schema says; names field and rule, never the value."""


_RULES: Final = {
    "ce_specversion": (re.compile(r"1\.0"), "must be 1.0"),
    "content-type": (re.compile("application/json"), "must be application/json"),
    "ce_id": (re.compile(UUID_PATTERN), "must be a UUID, lower-case with hyphens"),
    "ce_type": (re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9]*(?:-[a-z0-9]+)+"), "must be <service>.<noun>-<participle>"),
    "ce_source": (re.compile(r"/stoa/[a-z][a-z0-9-]*"), "must be /stoa/<service>"),
    "ce_subject": (re.compile(r"[!-~]{1,200}"), "must be 1 to 200 visible ASCII characters without a space"),
    "ce_time": (
        re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z"),
        "must be an RFC 3339 time in UTC with Z",
    ),
    "ce_dataschema": (
        re.compile(r"urn:stoa:schema:[a-z0-9.-]+:[1-9][0-9]{0,8}"),
        "must be urn:stoa:schema:<ce_type>:<version>",
    ),
    "ce_orgid": (re.compile(UUID_PATTERN), "must be a UUID, lower-case with hyphens"),
    "ce_actor": (ACTOR, "must be user:<id>, user:<id>;agent:<id>@<version>;run:<id> or system:<service>"),
    "ce_audience": (
        re.compile(rf"org|internal|users:{UUID_PATTERN}(?:,{UUID_PATTERN})*"),
        "must be org, internal or users:<id>,<id>",
    ),
    "ce_sequence": (re.compile(r"[1-9][0-9]{0,17}"), "must be a whole number from 1, of at most 18 digits"),
    "ce_correlationid": (re.compile(UUID_PATTERN), "must be a UUID, lower-case with hyphens"),
    "ce_causationid": (re.compile(UUID_PATTERN), "must be a UUID, lower-case with hyphens"),
    "traceparent": (
        re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
        "must be a W3C trace parent",
    ),
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """All about an event but its data. `sequence` is None for records, `org_id` for facts outside any organisation."""

    id: UUID
    kind: str
    version: int
    source: str
    subject: str
    time: datetime
    org_id: UUID | None
    actor: str
    audience: str
    sequence: int | None
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None

    def to_headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers; those without a value are left out. Raises BadEnvelope where a value breaks its rule."""
        optional = {
            "ce_orgid": self.org_id,
            "ce_sequence": self.sequence,
            "ce_causationid": self.causation_id,
            "traceparent": self.traceparent,
        }
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_type": self.kind,
            "ce_source": self.source,
            "ce_subject": self.subject,
            "ce_time": _rfc_3339(self.time),
            "ce_dataschema": f"urn:stoa:schema:{self.kind}:{self.version}",
            "content-type": "application/json",
            "ce_actor": self.actor,
            "ce_audience": self.audience,
            "ce_correlationid": str(self.correlation_id),
        } | {name: str(value) for name, value in optional.items() if value is not None}
        return [(name, _written(name, value)) for name, value in headers.items()]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> "Envelope":
        """Reads what `to_headers` wrote; other headers are passed over. Raises BadEnvelope."""
        found = _decoded(headers)
        _required(found, "ce_specversion")
        _required(found, "content-type")
        kind = _required(found, "ce_type")
        org_id, sequence = _optional(found, "ce_orgid"), _optional(found, "ce_sequence")
        causation_id = _optional(found, "ce_causationid")
        return cls(
            id=UUID(_required(found, "ce_id")),
            kind=kind,
            version=_version(kind, _required(found, "ce_dataschema")),
            source=_required(found, "ce_source"),
            subject=_required(found, "ce_subject"),
            time=_moment(_required(found, "ce_time")),
            org_id=UUID(org_id) if org_id else None,
            actor=_required(found, "ce_actor"),
            audience=_required(found, "ce_audience"),
            sequence=int(sequence) if sequence else None,
            correlation_id=UUID(_required(found, "ce_correlationid")),
            causation_id=UUID(causation_id) if causation_id else None,
            traceparent=_trace(found.get("traceparent")),
        )


def decode(envelope: Envelope, value: bytes) -> Event:
    """The event that the value holds. Raises UnknownKind, UnknownVersion or BadData."""
    model = find(envelope.kind, envelope.version)
    if model is None:
        problem = UnknownVersion if known_kind(envelope.kind) else UnknownKind
        raise problem(f"{envelope.kind} v{envelope.version}")
    try:
        return model.model_validate_json(value, strict=True)
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_context=False, include_input=False)[0]
        pointer = "/" + "/".join(map(str, first["loc"]))
        raise BadData(f"{envelope.kind} v{envelope.version}: {pointer}: {first['msg']}") from None


def _decoded(headers: Iterable[tuple[str, bytes | None]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name in found:
            raise BadEnvelope(name, "appears twice")
        if len(found) == MOST_HEADERS:
            raise BadEnvelope(name[:80], f"comes after {MOST_HEADERS} other headers, the most there may be")
        found[name] = _text(name, value)
    return found


def _text(name: str, value: bytes | None) -> str:
    if not isinstance(value, bytes):  # a client hands a null header over as None
        raise BadEnvelope(name, "must have a value of bytes")
    if len(value) > LONGEST_HEADER:
        raise BadEnvelope(name, f"must not be longer than {LONGEST_HEADER} bytes")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadEnvelope(name, "must be UTF-8") from None


def _checked(name: str, value: str) -> str:
    pattern, rule = _RULES[name]
    if pattern.fullmatch(value) is None:
        raise BadEnvelope(name, rule)
    return value


def _required(found: Mapping[str, str], name: str) -> str:
    value = found.get(name)
    if value is None:
        raise BadEnvelope(name, "is missing")
    return _checked(name, value)


def _optional(found: Mapping[str, str], name: str) -> str | None:
    value = found.get(name)
    return None if value is None else _checked(name, value)


def _trace(value: str | None) -> str | None:
    """W3C Trace Context, section 4.3: a trace parent that cannot be read is dropped, never a reason to refuse."""
    return value if value is not None and _RULES["traceparent"][0].fullmatch(value) else None


def _written(name: str, value: str) -> bytes:
    encoded = _checked(name, value).encode()
    if len(encoded) > LONGEST_HEADER:
        raise BadEnvelope(name, f"must not be longer than {LONGEST_HEADER} bytes")
    return encoded


def _version(kind: str, schema: str) -> int:
    named, _, version = schema.removeprefix("urn:stoa:schema:").rpartition(":")
    if named != kind:
        raise BadEnvelope("ce_dataschema", "must name the kind that ce_type names")
    return int(version)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadEnvelope("ce_time", _RULES["ce_time"][1]) from None


def _rfc_3339(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise BadEnvelope("ce_time", "must carry a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
