"""What must hold for each kind and topic. A check yields findings: sentences that say what is wrong and what to do."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from jsonschema import Draft202012Validator
from pydantic import ValidationError

from contracts.catalogue import catalogue
from contracts.compatibility import breaks
from contracts.envelope import BadEnvelope, Envelope
from contracts.event import Event
from contracts.files import Files, schema, schema_text
from contracts.predecessor import Predecessor
from contracts.registry import all_contracts, all_topics
from contracts.topics import Topic

_NAME = re.compile(r"[a-z]+(-[a-z]+)*")
_READER = re.compile(r"[a-z]+\.[a-z]+(-[a-z]+)*")


@dataclass(frozen=True)
class Library:
    """What is checked: kinds, topics, and the files beside them."""

    events: Sequence[type[Event]] = field(default_factory=all_contracts)
    topics: Sequence[Topic] = field(default_factory=all_topics)
    files: Files = field(default_factory=Files)

    def findings(self, before: Predecessor | None) -> list[str]:
        """All that is wrong; compatibility is left out where there is nothing to compare with."""
        found = [*self._topic_findings(), *self._strays(), *self._stale_catalogue()]
        for event in self.events:
            found += [f"{_title(event)}: {finding}" for finding in self._kind_findings(event, before)]
        return found

    def export(self) -> None:
        """Writes every schema and the catalogue."""
        for event in self.events:
            path = self.files.schema(event)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(schema_text(event))
        self.files.catalogue.write_text(catalogue(self.events, self.topics))

    def _kind_findings(self, event: type[Event], before: Predecessor | None) -> Iterator[str]:
        yield from _declaration(event, self.topics)
        yield from self._schema_findings(event)
        yield from self._example_findings(event)
        if before is not None:
            yield from self._incompatible(event, before)

    def _schema_findings(self, event: type[Event]) -> Iterator[str]:
        path = self.files.schema(event)
        if not path.is_file():
            yield f"has no schema {path.relative_to(self.files.home)}; run `python -m contracts export`"
        elif path.read_text() != schema_text(event):
            yield "the committed schema differs from the model; run `python -m contracts export`"
        if schema(event, "serialization") != schema(event):
            yield "writes other types than it reads; one schema must describe both"

    def _example_findings(self, event: type[Event]) -> Iterator[str]:
        path = self.files.example(event)
        if not path.is_file():
            yield f"has no example {path.relative_to(self.files.home)}; write one that looks real"
            return
        text = path.read_text()
        try:
            example = event.model_validate_json(text, strict=True)
        except ValidationError as refused:
            yield f"the example is no {event.__name__}: {refused}"
            return
        yield from _example(event, example, json.loads(text))

    def _incompatible(self, event: type[Event], before: Predecessor) -> Iterator[str]:
        old = before.schemas.get(self.files.schema(event).relative_to(self.files.home).as_posix())
        new, terms = schema(event), event.contract
        if old is None or old.items() >= new.items():
            return
        readers = ", ".join(terms.readers) or "none declared in the contract"
        advice = f"publish v{terms.version + 1} beside it; who must upgrade first: the readers ({readers})"
        for broken in breaks(writer=new, reader=old):
            yield f"field {broken.pointer}: readers in use would refuse new events: {broken.why}. {advice}"
        for broken in breaks(writer=old, reader=new):
            yield (
                f"field {broken.pointer}: new readers would refuse events that lie in {terms.topic.name} or come from "
                f"a {terms.topic.producer} not upgraded yet: {broken.why}. {advice}"
            )

    def _topic_findings(self) -> Iterator[str]:
        names = [topic.name for topic in self.topics]
        yield from (f"topic {name}: is declared twice" for name in sorted(set(names)) if names.count(name) > 1)
        yield from (
            f"topic {name}: must be lower-case words with hyphens" for name in names if not _NAME.fullmatch(name)
        )
        yield from (
            f"topic {topic.name}: must keep its events for some time" for topic in self.topics if not topic.retention
        )

    def _strays(self) -> Iterator[str]:
        known = {path for event in self.events for path in (self.files.schema(event), self.files.example(event))}
        for path in sorted(self.files.present() - known):
            yield f"{path.relative_to(self.files.home)}: belongs to no kind; delete it"

    def _stale_catalogue(self) -> Iterator[str]:
        page = self.files.catalogue
        if not page.is_file() or page.read_text() != catalogue(self.events, self.topics):
            yield f"{page.name}: is stale; run `python -m contracts export`"


def _title(event: type[Event]) -> str:
    return f"{event.contract.kind} v{event.contract.version}"


def _declaration(event: type[Event], topics: Sequence[Topic]) -> Iterator[str]:
    terms = event.contract
    owner = terms.kind.partition(".")[0]
    if event.__module__ != f"contracts.{owner}.v{terms.version}":
        yield f"stands in {event.__module__}; its place is contracts.{owner}.v{terms.version}"
    if terms.topic not in topics:
        yield f"topic {terms.topic.name} is declared in no topics.py"
    if terms.topic.producer != owner:
        yield f"topic {terms.topic.name} belongs to producer {terms.topic.producer}, not to {owner}"
    if not event.__doc__:
        yield "has no docstring; the catalogue shows its first lines"
    yield from (f"reader {name!r} must be <service>.<purpose>" for name in terms.readers if not _READER.fullmatch(name))


def _example(event: type[Event], example: Event, document: object) -> Iterator[str]:
    for error in Draft202012Validator(schema(event)).iter_errors(document):
        yield f"the example breaks the schema: {error.message}"
    if json.loads(example.encode()) != document:
        yield "the example must show every field, and no other, as it is on the wire"
    try:
        _enveloped(event, example).to_headers()
    except BadEnvelope as refused:
        yield f"no envelope can carry it: {refused}"


def _enveloped(event: type[Event], example: Event) -> Envelope:
    """Any envelope with the kind's name and the audience that the contract gives the example."""
    terms, nil = event.contract, UUID(int=0)
    return Envelope(
        id=nil,
        kind=terms.kind,
        version=terms.version,
        source=f"/stoa/{terms.topic.producer}",
        subject=str(nil),
        time=datetime.now(UTC),
        org_id=nil,
        actor=f"user:{nil}",
        audience=terms.audience(example),
        sequence=1,
        correlation_id=nil,
        causation_id=None,
        traceparent=None,
    )
