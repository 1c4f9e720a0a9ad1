"""I3, I6, I19 for each consumer: what its handler made of an event is there once, and nothing else is.

A consumer's whole table is compared with what the events, read in their order, come to.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.permissions import Permission, Role, allows

from ..dumps import PLANTED
from .evidence import Evidence, Sent, Violation

ENDS = ("agent.run-completed", "agent.run-failed", "agent.run-cancelled")
_MODULES = ("modules.module-created", "modules.module-changed", "modules.module-deleted", "modules.action-applied")
_MEMBERSHIPS = ("auth.membership-granted", "auth.membership-changed", "auth.membership-revoked")


def projections_equal_their_sources(evidence: Evidence) -> Iterator[Violation]:
    """I3 and I19: each projection is, row for row, the newest state of its source."""
    memberships = {
        key: (state["organisation_id"], state["user_id"], state["role"], state["status"] == "active")
        for key, state in _newest(evidence, _MEMBERSHIPS).items()
    }
    for service in ("agent", "chats", "modules"):
        columns = ("org_id", "user_id", "role", "active")
        yield from _compared(evidence, service, "memberships", columns, memberships)
    agents = {
        key: (state["organisation_id"], state["name"], state["status"] == "active")
        for key, state in _newest(evidence, ("agent.agent-published",)).items()
    }
    yield from _compared(evidence, "chats", "agents", ("org_id", "name", "active"), agents)
    chats = {
        key: (state["organisation_id"], state["participants"], state["agent_id"])
        for key, state in _newest(evidence, ("chats.chat-opened",)).items()
    }
    yield from _compared(evidence, "agent", "chats", ("org_id", "participants", "agent_id"), chats)
    modules = {
        key: (state["organisation_id"], state["kind"], state["name"], state["status"], state["deleted"], state)
        for key, state in _newest(evidence, _MODULES).items()
    }
    of_modules = ("org_id", "kind", "name", "status", "deleted", "state")
    yield from _compared(evidence, "agent", "modules", of_modules, modules)


def _newest(evidence: Evidence, kinds: tuple[str, ...]) -> dict[str, Any]:
    """The `state` of the last event of each aggregate."""
    last: dict[str, Sent] = {}
    for one in evidence.outbox:
        if one.kind in kinds and (one.key not in last or (one.sequence or 0) > (last[one.key].sequence or 0)):
            last[one.key] = one
    return {key: one.data["state"] for key, one in last.items()}


def _compared(
    evidence: Evidence, service: str, table: str, columns: tuple[str, ...], wanted: Mapping[str, tuple[Any, ...]]
) -> Iterator[Violation]:
    found = {
        row["id"]: tuple(_plain(row[column]) for column in columns)
        for row in evidence.dump.rows(service, table)
        if not str(row["id"]).startswith(PLANTED)
    }
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            what = f"{service}.{table} has {found.get(key)}, the events come to {wanted.get(key)}"
            yield Violation("I3", what, (key,))


def chat_messages_and_their_events(evidence: Evidence) -> Iterator[Violation]:
    """I6: each message is one row, one event and one row of agent's projection, numbered without a gap."""
    columns = ("chat_id", "number", "text", "run_id")
    rows = Counter(_values(row, columns) for row in evidence.dump.rows("chats", "messages"))
    known = Counter(_values(row, columns) for row in evidence.dump.rows("agent", "messages"))
    events = Counter(_values(one.data, columns) for one in evidence.events("chats.message-sent"))
    for place, found in (("chats.messages", rows), ("agent.messages", known)):
        for values in found.keys() | events.keys():
            if found[values] != events[values]:
                what = f"message {values[1]} stands {found[values]} times in {place}, has {events[values]} events"
                yield Violation("I6", what, (str(values[0]), str(values[3])))


def runs_and_their_messages(evidence: Evidence) -> Iterator[Violation]:
    """I3: one run per question, one message per question put to a run, one answer per run that ended."""
    messages = evidence.dump.rows("chats", "messages")
    said = Counter((row["run_id"], row["author_kind"] == "user") for row in messages if row["run_id"])
    for one in evidence.events("agent.run-queued"):
        wanted = 0 if one.data["text"] is None else 1
        if said[one.key, True] != wanted:
            what = f"chats.transcript has recorded the question of a run {said[one.key, True]} times"
            yield Violation("I3", what, (one.event_id, one.key))
    for kind in ENDS:
        for one in evidence.events(kind):
            if said[one.key, False] != 1:
                what = f"chats.transcript has recorded the end of a run {said[one.key, False]} times"
                yield Violation("I3", what, (one.event_id, one.key))


def questions_and_their_runs(evidence: Evidence) -> Iterator[Violation]:
    """I3: each message of a member to an agent started one run, unless a run had put it there."""
    runs = Counter((row["chat_id"], row["message_number"]) for row in evidence.dump.rows("agent", "runs"))
    may = {
        (row["org_id"], row["user_id"])
        for row in evidence.dump.rows("agent", "memberships")
        if row["active"] and allows(Role(row["role"]), Permission.RUNS_WRITE)
    }
    for one in evidence.events("chats.message-sent"):
        message = one.data
        author = message["author"]
        is_question = author["kind"] == "user" and message["agent_id"] and not message["run_id"]
        started = runs[message["chat_id"], message["number"]]
        allowed = (one.headers.get("ce_orgid"), author["user_id"]) in may
        if started > (1 if is_question else 0) or (is_question and allowed and started == 0):
            what = f"agent.messages has started {started} runs for a message"
            yield Violation("I3", what, (one.event_id, one.key, message["message_id"]))


def one_assistant_per_organisation(evidence: Evidence) -> Iterator[Violation]:
    """I3: agent.organisations makes one."""
    agents = Counter(row["org_id"] for row in evidence.dump.rows("agent", "agents"))
    for one in evidence.events("auth.organisation-created"):
        if agents[one.key] != 1:
            yield Violation("I3", f"an organisation has {agents[one.key]} assistants", (one.event_id, one.key))


def _values(row: Mapping[str, Any], columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
