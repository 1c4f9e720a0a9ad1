"""What a run is told of kinds, modules and its chat, as the projections hold it."""

from collections.abc import Callable
from functools import partial
from typing import Literal
from uuid import UUID

import pytest

from agent.adapters.knowledge import TURNS_AT_MOST, PostgresConversations, PostgresKinds, PostgresModules
from agent.adapters.projections import PostgresProjections
from agent.adapters.transaction import PostgresTransaction
from agent.application.ports import KnownMessage, KnownModule, Turn
from agent.domain.journal import Lease
from agent.domain.run import Question, Run
from chassis.core import Actor, Ok, Result, new_id
from chassis.database import Database
from chassis.outbox.store import OutboxStore
from chassis.use_case import Context, Runner, Work

from ..builders import DOCUMENT, NOW, PROJECT, an_agent


async def put(database: Database, org_id: UUID | None, what: Callable[[PostgresProjections], None]) -> None:
    """As a consumer does it, in a transaction of its own."""

    async def body(work: Work) -> Result[None]:
        what(PostgresProjections(work))
        return Ok(None)

    context = Context(actor=Actor.system("test"), org_id=org_id, role=None, correlation_id=new_id())
    await Runner(database, OutboxStore(), lambda work: work).transact(context, body)


class Shelf:
    """Puts modules of one organisation there."""

    def __init__(self, database: Database) -> None:
        self.org_id = new_id()
        self._database = database

    async def put(self, name: str, *, kind: str = "project", deleted: bool = False, id_: UUID | None = None) -> UUID:
        module_id = id_ or new_id()
        known = KnownModule(module_id, self.org_id, kind, name, "planned", deleted, {"name": name})
        await put(self._database, self.org_id, lambda projections: projections.put_module(known))
        return module_id


@pytest.fixture
def shelf(database: Database) -> Shelf:
    return Shelf(database)


async def found(database: Database, shelf: Shelf, text: str | None, kind: str | None = None) -> list[str]:
    rows = await PostgresModules(database).find(shelf.org_id, text=text, kind=kind, limit=10)
    return [row.name for row in rows]


async def test_the_best_match_comes_first(database: Database, shelf: Shelf) -> None:
    for name in ("The Tour", "Tour", "Tour of Duty", "Other"):
        await shelf.put(name)
    assert await found(database, shelf, "tour") == ["Tour", "Tour of Duty", "The Tour"]
    assert await found(database, shelf, None) == ["Other", "The Tour", "Tour", "Tour of Duty"]


async def test_signs_of_a_pattern_are_sought_as_they_are(database: Database, shelf: Shelf) -> None:
    await shelf.put("100% done")
    await shelf.put("100 done")
    assert await found(database, shelf, "0%") == ["100% done"]


async def test_a_deleted_module_is_neither_found_nor_read(database: Database, shelf: Shelf) -> None:
    module_id = await shelf.put("Tour")
    modules = PostgresModules(database)
    assert await modules.read(shelf.org_id, module_id) == {"name": "Tour"}
    await shelf.put("Tour", deleted=True, id_=module_id)
    assert await found(database, shelf, "tour") == []
    assert await modules.read(shelf.org_id, module_id) is None


async def test_modules_of_another_kind_or_organisation_are_not_found(database: Database, shelf: Shelf) -> None:
    await shelf.put("Tour", kind="document")
    module_id = await Shelf(database).put("Tour")
    assert await found(database, shelf, "tour", kind="project") == []
    assert await PostgresModules(database).read(shelf.org_id, module_id) is None


async def test_kinds_come_back_as_they_were_published_last(database: Database) -> None:
    for kind in (PROJECT, DOCUMENT, PROJECT):
        await put(database, None, partial(PostgresProjections.put_kind, kind=kind))
    assert list(await PostgresKinds(database).all()) == [DOCUMENT, PROJECT]


class Conversation:
    """A chat with a transcript, and a run in it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.agent = an_agent()
        self.chat_id = new_id()

    async def said(
        self, number: int, text: str, *, author: Literal["user", "agent", "system"] = "user", run_id: UUID | None = None
    ) -> None:
        message = KnownMessage(self.chat_id, self.agent.org_id, number, author, text, run_id)
        await put(self._database, self.agent.org_id, lambda projections: projections.put_message(message))

    async def run(self, message_number: int | None) -> Lease:
        question = Question(new_id(), "and now?", new_id(), message_number)
        run = Run.queue(self.agent, question, chat_id=self.chat_id, now=NOW)

        async def body(work: Work) -> Result[None]:
            tx = PostgresTransaction(work)
            await tx.agents.add(self.agent)
            await tx.runs.add(run)
            return Ok(None)

        context = Context(actor=run.actor, org_id=run.org_id, role=None, correlation_id=run.correlation_id)
        await Runner(self._database, OutboxStore(), lambda work: work).transact(context, body)
        return Lease(run.id, run.org_id, 1, run.actor, run.correlation_id)


async def test_a_run_hears_what_was_said_before_its_question_and_the_replies(database: Database) -> None:
    talk = Conversation(database)
    await talk.said(1, "hello")
    await talk.said(2, "and now?")
    await talk.said(3, "Hello!", author="agent", run_id=new_id())
    await talk.said(4, "The agent was stopped.", author="system", run_id=new_id())
    await talk.said(5, "later")
    lease = await talk.run(2)
    assert await PostgresConversations(database).before(lease) == [Turn("user", "hello"), Turn("agent", "Hello!")]


async def test_a_request_hears_all_but_itself(database: Database) -> None:
    talk = Conversation(database)
    await talk.said(1, "hello")
    lease = await talk.run(None)
    await talk.said(2, "and now?", run_id=lease.run_id)
    assert await PostgresConversations(database).before(lease) == [Turn("user", "hello")]


async def test_only_the_latest_is_heard(database: Database) -> None:
    talk = Conversation(database)
    for number in range(1, TURNS_AT_MOST + 3):
        await talk.said(number, str(number))
    turns = await PostgresConversations(database).before(await talk.run(None))
    assert [turn.text for turn in turns] == [str(number) for number in range(3, TURNS_AT_MOST + 3)]
