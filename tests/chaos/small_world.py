"""A small run made by hand, in which all is well: for tests of the checker, which break one thing of it each.

Somebody asks an agent, the agent makes a module, answers, and the person sees all of it live.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid5

from contracts.agent.v1 import AgentPublished, AgentState, ModuleCommandRequested, RunCompleted, RunQueued, RunStarted
from contracts.audience import INTERNAL
from contracts.auth.v1 import MembershipGranted, MembershipState, OrganisationCreated, OrganisationState
from contracts.chats.v1 import Author, ChatOpened, ChatState, MessageSent
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.modules.v1 import CommandCompleted, ModuleCreated, ModuleState

from .checker.evidence import FEED, Evidence, readers
from .dumps import Dump, Record, Row
from .history import Json, Line, Operation

ROOT = UUID("00000000-0000-7000-8000-000000000000")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def an_id(name: str) -> UUID:
    """The same for the same name."""
    return uuid5(ROOT, name)


ORG, USER, AGENT, CHAT, RUN, MODULE, COMMAND = map(
    an_id, ("organisation", "user", "agent", "chat", "run", "module", "command")
)
QUESTION, ORDER, ANSWER = "good evening", "create a project called Tour", "Done."


@dataclass
class World:
    """`evidence` is what a check is given. Ids of events are `an_id("<kind> <sequence or number>")`."""

    evidence: Evidence = field(default_factory=Evidence)
    _count: int = 0

    @property
    def dump(self) -> Dump:
        return self.evidence.dump

    def rows(self, service: str, table: str) -> list[Row]:
        """To be changed by a test."""
        return self.dump.tables.setdefault(service, {}).setdefault(table, [])

    def add(self, service: str, table: str, **row: object) -> None:
        """One more row; ids as the dump shows them."""
        self.rows(service, table).append({name: _shown(value) for name, value in row.items()})

    def publish(self, event: Event, key: UUID, sequence: int | None = None) -> UUID:
        """The event's row, its record, its copy in the feed, and its readers' inboxes. The event's id."""
        contract, service = event.contract, event.contract.kind.partition(".")[0]
        self._count += 1
        envelope = Envelope(
            id=an_id(f"{contract.kind} {sequence or self._count}"),
            kind=contract.kind,
            version=1,
            source=f"/stoa/{service}",
            subject=str(key),
            time=NOW,
            org_id=ORG,
            actor=f"user:{USER}",
            audience=contract.audience(event),
            sequence=sequence,
            correlation_id=ROOT,
            causation_id=None,
            traceparent=None,
        )
        headers, value, topic = envelope.to_headers(), event.encode(), contract.topic.name
        texts = {name: text.decode() for name, text in headers}
        row = {"topic": topic, "key": str(key), "sequence": sequence, "headers": list(texts.items()), "value": value}
        self.rows(service, "outbox").append({"id": self._count, "sent_at": NOW, **row})
        self.record(topic, str(key), texts, value)
        if envelope.audience != INTERNAL:
            self.record(FEED, str(ORG), texts, value)
        for consumer in readers().get(topic, ()):
            self._apply(consumer, topic, str(key), sequence, envelope.id)
        return envelope.id

    def record(self, topic: str, key: str, headers: dict[str, str], value: bytes) -> None:
        """One more record at the end of a topic; all topics have one partition here."""
        records = self.dump.topics.setdefault(topic, [])
        records.append(Record(topic, 0, len(records), key, headers, value))

    def _apply(self, consumer: str, topic: str, key: str, sequence: int | None, event_id: UUID) -> None:
        service = consumer.partition(".")[0]
        if sequence is None:
            self.add(service, "inbox_records", consumer=consumer, event_id=event_id)
            return
        inbox = self.rows(service, "inbox")
        place = {"consumer": consumer, "topic": topic, "key": key}
        inbox[:] = [row for row in inbox if place.items() - row.items()]
        inbox.append({**place, "sequence": sequence})

    def asked(self, op: str, unique: str, path: str, outcome: str = "ok", **answer: object) -> None:
        """A client's request with its answer."""
        given: Json = {"unique": unique, "path": path, "key": unique, "revision": 1}
        number = len(self.evidence.operations) + 1
        self.evidence.operations.append(Operation(number, "client", op, given, outcome, answer, 0.0, 1.0))  # type: ignore[arg-type]

    def note(self, process: str, op: str, **value: object) -> None:
        """A line of the history that stands alone."""
        told = {**value, "user": str(USER), "organisation": str(ORG)}
        self.evidence.notes.append(Line(0.0, process, "note", op, 0, told))


def good_world() -> World:
    """All is well here."""
    world = World()
    for build in (_people, _chat, _run, _module, _answer, _watched):
        build(world)
    world.note("runner", "quiet", seconds=1.0, caught_up=1.0, open={})
    world.note("runner", "revoked", service="chats", status=401)
    return world


def _people(world: World) -> None:
    state = OrganisationState(organisation_id=ORG, name="Owl")
    world.publish(OrganisationCreated(organisation_id=ORG, name="Owl", state=state), ORG, 1)
    world.add("auth", "organisations", org_id=ORG, sequence=1)
    member = an_id("membership")
    about = {"membership_id": member, "organisation_id": ORG, "user_id": USER, "role": "editor"}
    world.publish(MembershipGranted(**about, state=MembershipState(**about, status="active")), member, 1)
    world.add("auth", "organisation_members", id=member, sequence=1)
    for service in ("agent", "chats", "modules"):
        world.add(service, "memberships", id=member, org_id=ORG, user_id=USER, role="editor", active=True)
    agent = AgentState(agent_id=AGENT, organisation_id=ORG, name="Assistant", version=1, status="active")
    world.publish(AgentPublished(agent_id=AGENT, name="Assistant", version=1, state=agent), AGENT, 1)
    world.add("agent", "agents", id=AGENT, org_id=ORG, sequence=1)
    world.add("chats", "agents", id=AGENT, org_id=ORG, name="Assistant", active=True)


def _chat(world: World) -> None:
    state = ChatState(
        chat_id=CHAT, organisation_id=ORG, title="Plans", participants=(USER,), agent_id=AGENT, status="open"
    )
    opened = ChatOpened(chat_id=CHAT, participants=(USER,), agent_id=AGENT, title="Plans", state=state)
    world.publish(opened, CHAT, 1)
    world.add("chats", "chats", id=CHAT, org_id=ORG, title="Plans", last_number=2, revision=1, sequence=3)
    world.add("agent", "chats", id=CHAT, org_id=ORG, participants=[str(USER)], agent_id=AGENT)
    world.asked("open-chat", "Plans", "/api/v1/chats", answer_id=str(CHAT))
    say(world, 1, ORDER, Author(kind="user", user_id=USER))
    world.asked("send-message", ORDER, f"/api/v1/chats/{CHAT}/messages", answer_id=str(an_id("message 1")))


def say(world: World, number: int, text: str, author: Author, run_id: UUID | None = None) -> None:
    """A message in the chat, with its event and its row in agent's projection."""
    message_id = an_id(f"message {number}")
    sent = MessageSent(
        chat_id=CHAT,
        participants=(USER,),
        agent_id=AGENT,
        message_id=message_id,
        number=number,
        author=author,
        text=text,
        run_id=run_id,
    )
    world.publish(sent, CHAT, number + 1)
    row = {"chat_id": CHAT, "number": number, "text": text, "run_id": run_id}
    world.add(
        "chats", "messages", id=message_id, author_kind=author.kind, author_id=author.user_id or author.agent_id, **row
    )
    world.add("agent", "messages", **row)


def _run(world: World) -> None:
    about = {"run_id": RUN, "chat_id": CHAT, "user_id": USER}
    queued = RunQueued(**about, agent_id=AGENT, agent_version=1, origin="message", text=None, open_chat=False)
    world.publish(queued, RUN, 1)
    world.publish(RunStarted(**about), RUN, 2)
    world.add(
        "agent",
        "runs",
        id=RUN,
        chat_id=CHAT,
        message_number=1,
        text=ORDER,
        status="completed",
        reply=ANSWER,
        reason=None,
        revision=3,
        sequence=3,
        ended_at=NOW,
    )
    for number in (1, 2):
        world.add("agent", "run_steps", run_id=RUN, number=number, finished_at=NOW)


def _module(world: World) -> None:
    command = ModuleCommandRequested(
        command_id=COMMAND, run_id=RUN, action="create", kind="project", input={}, deadline=NOW
    )
    world.publish(command, RUN)
    state = ModuleState(
        module_id=MODULE,
        organisation_id=ORG,
        kind="project",
        owner_id=USER,
        status="planned",
        revision=1,
        name="Tour",
        data={},
        deleted=False,
    )
    world.publish(ModuleCreated(module_id=MODULE, kind="project", state=state, tool_call=COMMAND), MODULE, 1)
    now = {"name": "Tour", "status": "planned"}
    shown = {**now, "kind": "project", "deleted": False}
    world.add("modules", "modules", id=MODULE, org_id=ORG, data={}, revision=1, sequence=1, **shown)
    made = {"what": "created", "action": None, "user_id": USER, "tool_call": COMMAND}
    world.add("modules", "module_versions", module_id=MODULE, number=1, data={}, **made, **now)
    world.add("agent", "modules", id=MODULE, org_id=ORG, state=state.model_dump(mode="json"), **shown)
    world.publish(CommandCompleted(command_id=COMMAND, run_id=RUN, module=state), RUN)
    world.add("modules", "commands", id=COMMAND, verdict="completed")
    world.add("agent", "run_commands", id=COMMAND, run_id=RUN, verdict="completed", sent_at=NOW)


def _answer(world: World) -> None:
    completed = RunCompleted(run_id=RUN, chat_id=CHAT, user_id=USER, agent_id=AGENT, text=ANSWER)
    world.publish(completed, RUN, 3)
    say(world, 2, ANSWER, Author(kind="agent", agent_id=AGENT), RUN)


def _watched(world: World) -> None:
    world.note("feed of client", "connected", position="cluster-0--1")
    for record in world.dump.topics[FEED]:
        world.note("feed of client", "event", position=f"cluster-0-{record.offset}", id=record.event_id)


def _shown(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
