"""kill -9 between a command and its reply: one effect and one answer, whoever dies, and refusals survive too."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ..people import Conversation, Json, Organisation
from ..records import headers, record, records
from ..stack import Stack

ORDER = "create a project called Summer Tour"
_KNOWN = "SELECT count(*) FROM memberships WHERE user_id = $1"


@pytest.fixture
def organisation(stack: Stack) -> Organisation:
    stack.healthy()
    return Organisation.founded(stack.url)


def test_an_agent_killed_after_it_has_written_its_command_does_it_once(
    stack: Stack, organisation: Organisation
) -> None:
    chat = Conversation.opened(organisation.founder)
    with stack.armed("agent", "run.command-sent") as fired:
        chat.ask(ORDER)
        fired()
    stack.healthy()
    assert_done_once(chat)


async def test_an_agent_killed_while_its_reply_is_on_the_way_does_it_once(
    stack: Stack, organisation: Organisation
) -> None:
    chat = Conversation.opened(organisation.founder)
    with stack.unattended():
        with stack.frozen("modules"):
            chat.ask(ORDER)
            await command_of(stack, organisation.id)
            stack.kill("agent")
        await reply_to(stack, organisation.id)
    await asyncio.to_thread(stack.healthy)
    await asyncio.to_thread(assert_done_once, chat)
    assert await kinds_of(stack, organisation.id, ["modules-modules", "agent-runs"]) == {
        "modules.module-created": 1,
        "agent.run-queued": 1,
        "agent.run-started": 1,
        "agent.run-completed": 1,
    }


async def test_modules_killed_with_a_command_in_its_hands_obeys_it_once(
    stack: Stack, organisation: Organisation
) -> None:
    chat = Conversation.opened(organisation.founder)
    with stack.frozen("modules"):
        chat.ask(ORDER)
        await command_of(stack, organisation.id)
        stack.kill("modules")
    await asyncio.to_thread(stack.healthy)
    await asyncio.to_thread(assert_done_once, chat)


async def test_a_refusal_survives_the_death_of_both_and_reaches_the_run(
    stack: Stack, organisation: Organisation
) -> None:
    member = organisation.join("editor")
    chat = Conversation.opened(member)
    await known_to_modules(stack, member.id)
    with stack.unattended():
        with stack.frozen("modules"):
            chat.ask(ORDER)
            await command_of(stack, organisation.id)
            stack.kill("modules")
        stack.kill("agent")
        await make_viewer(stack, member.id)
    await asyncio.to_thread(stack.healthy)
    reply = await asyncio.to_thread(chat.reply)
    assert "could not create the project" in reply["text"]
    assert (await kinds_of(stack, organisation.id, ["modules-replies"])) == {"modules.command-refused": 1}
    assert organisation.founder.listed("/api/v1/modules") == []
    run = member.call("GET", f"/api/v1/runs/{reply['run_id']}", 200)
    assert run["status"] in ("completed", "failed")


@pytest.mark.parametrize("process", ["auth", "modules", "agent", "chats", "gateway"])
def test_whoever_is_killed_in_the_middle_the_job_is_done_once(
    stack: Stack, organisation: Organisation, process: str
) -> None:
    chat = Conversation.opened(organisation.founder)
    chat.ask(ORDER)
    stack.kill(process)
    stack.healthy()
    assert_done_once(chat)


def assert_done_once(chat: Conversation) -> None:
    """One project, and one answer in the chat, from the run that the question started."""
    reply = chat.reply()
    assert reply["author"]["kind"] == "agent"
    assert len(chat.messages) == 2
    assert [project["name"] for project in chat.person.listed("/api/v1/modules")] == ["Summer Tour"], reply["text"]
    runs = chat.person.listed("/api/v1/runs")
    assert [run["status"] for run in runs] == ["completed"]


async def command_of(stack: Stack, org_id: UUID) -> Json:
    """The headers of the organisation's command, once it stands in its topic."""
    return headers(await record(stack, "modules-commands", lambda one: headers(one).get("ce_orgid") == str(org_id)))


async def reply_to(stack: Stack, org_id: UUID) -> Json:
    """The headers of the reply to it."""
    return headers(await record(stack, "modules-replies", lambda one: headers(one).get("ce_orgid") == str(org_id)))


async def kinds_of(stack: Stack, org_id: UUID, topics: Sequence[str]) -> dict[str, int]:
    """How many different events of each kind an organisation has in these topics."""
    found = [headers(one) for one in await records(stack, topics)]
    mine = {one["ce_id"]: one["ce_type"] for one in found if one.get("ce_orgid") == str(org_id)}
    return dict(Counter(mine.values()))


async def known_to_modules(stack: Stack, user_id: UUID) -> None:
    """Waits until modules has heard of the member: what it does not know yet would come after its rebirth."""
    connection: Any = await asyncpg.connect(stack.settings_of("modules")["STOA_DATABASE_SYSTEM_DSN"])
    async with asyncio.timeout(20):
        while not (await connection.fetchval(_KNOWN, user_id)):  # noqa: ASYNC110  another process writes the row
            await asyncio.sleep(0.02)
    await connection.close()


async def make_viewer(stack: Stack, user_id: UUID) -> None:
    """As modules knows it when it has heard of the new role before the command: the order of two topics is open."""
    connection: Any = await asyncpg.connect(stack.settings_of("modules")["STOA_DATABASE_SYSTEM_DSN"])
    changed = await connection.execute("UPDATE memberships SET role = 'viewer' WHERE user_id = $1", user_id)
    await connection.close()
    assert changed == "UPDATE 1"
