"""kill -9 of the process at each point of a run. Another one goes on: one effect, one end, one reply."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from agent.settings import Settings
from chassis.database import Database
from chassis.testing.service import Servers, settled
from chassis.testing.waiting import eventually

from ..agent_process import AgentProcess, agent_process
from ..modules_stand_in import ModulesStandIn
from ..people import Chat, Organisation
from .test_runs_over_http import frames_of

POINTS = [
    "run.claiming",
    "run.model.request.begun",
    "run.model.request.done",
    "run.command-sent",
    "run.tool:create_project.done",
    "run.tool:create_project.journalled",
    "run.ending",
]
ANSWERING = "command.committed"
SENT = "run.command-sent"
APPLIED = "consumer.committed"
_KINDS = text("SELECT headers FROM outbox WHERE topic = 'agent-runs' AND key = :run_id ORDER BY sequence")


class Scene:
    """One process, one organisation, the stand-in for modules, and a look into the outbox."""

    def __init__(self, process: AgentProcess, acme: Organisation, modules: ModulesStandIn, system: Database) -> None:
        self.process, self.acme, self.modules = process, acme, modules
        self._system = system

    async def restart(self) -> None:
        await self.process.kill()
        await self.process.start()

    async def kinds(self, run_id: str) -> list[str]:
        """What was published of a run, in order."""
        async with self._system.system_transaction() as connection:
            rows = await connection.execute(_KINDS, {"run_id": run_id})
            return [dict(row.headers)["ce_type"] for row in rows]


@pytest.fixture(scope="module")
def own_settings(backends: Servers) -> Iterator[Settings]:
    with settled(backends, "agent", Settings) as made:
        yield made


@pytest.fixture(scope="module")
async def scene(own_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    system = Database(own_settings.database_system_dsn.get_secret_value(), application="agent-tests")
    folder: Path = tmp_path_factory.mktemp("agent")
    async with agent_process(own_settings, folder) as process, ModulesStandIn.on(process.service) as modules:
        await process.start()
        yield Scene(process, await Organisation.founded(process.service), modules, system)
    await system.close()


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_run_has_one_effect_one_end_and_one_reply(scene: Scene, point: str) -> None:
    scene.process.arm(point)
    run_id = (await scene.acme.act(f"create a project called killed at {point}")).json()["run_id"]
    await scene.process.died()
    await scene.restart()
    run = await scene.acme.ended(run_id, within=20)
    assert (run["status"], run["reply"]) == ("completed", f"Done: I created the project “killed at {point}”.")
    assert len(scene.modules.named(f"killed at {point}")) == 1
    assert await scene.kinds(run_id) == ["agent.run-queued", "agent.run-started", "agent.run-completed"]


async def test_a_request_killed_before_its_answer_is_one_run_when_it_is_sent_again(scene: Scene) -> None:
    scene.process.arm(ANSWERING)
    key = {"Idempotency-Key": "killed"}
    with pytest.raises(httpx.TransportError):
        await scene.acme.act("create a project called Asked Twice", headers=key)
    await scene.process.died()
    await scene.restart()
    again = await scene.acme.act("create a project called Asked Twice", headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await scene.acme.ended(again.json()["run_id"], within=20))["status"] == "completed"
    assert len(scene.modules.named("Asked Twice")) == 1


async def test_a_refusal_that_comes_while_the_process_is_dead_reaches_the_run(scene: Scene) -> None:
    scene.process.arm(SENT)
    run_id = (await scene.acme.act("create a project called refused one")).json()["run_id"]
    await scene.process.died()
    await scene.restart()
    run = await scene.acme.ended(run_id, within=20)
    assert run["reply"] == "I could not create the project “refused one”: Your role may only read modules."
    assert not scene.modules.named("refused one")


async def test_a_message_whose_consumer_is_killed_before_its_offset_starts_one_run(scene: Scene) -> None:
    chat = await Chat(scene.acme).opened()
    scene.process.arm(APPLIED)
    await chat.says("create a project called By Message")
    await scene.process.died()
    await scene.restart()
    await chat.says("hello")
    await eventually(lambda: _ended(scene, str(chat.chat_id), 2), within=20)
    assert len(scene.modules.named("By Message")) == 1


async def test_a_stream_broken_off_by_a_kill_goes_on_where_it_was(scene: Scene) -> None:
    scene.modules.away = True
    run_id = (await scene.acme.act("create a project called Streamed")).json()["run_id"]
    seen = await _read(scene, run_id, "0", frames=2)
    assert [frame["id"] for frame in seen] == ["1", "2"]
    await scene.restart()
    await scene.modules.speak()
    rest = await _read(scene, run_id, seen[-1]["id"], frames=3)
    assert [(frame.get("id"), frame["event"]) for frame in rest] == [("3", "step"), ("4", "step"), (None, "completed")]


async def test_a_run_that_waits_for_long_is_let_go_and_goes_on_when_the_reply_has_come(scene: Scene) -> None:
    scene.modules.away = True
    run_id = (await scene.acme.act("create a project called Patience")).json()["run_id"]
    await eventually(lambda: _under_way(scene, 1), within=10)
    await eventually(lambda: _under_way(scene, 0), within=10)
    assert (await scene.acme.run(run_id))["status"] == "running"
    await scene.modules.speak()
    assert (await scene.acme.ended(run_id))["status"] == "completed"
    assert len(scene.modules.named("Patience")) == 1


async def _ended(scene: Scene, chat_id: str, count: int) -> bool:
    """Whether the chat has so many runs, all at their end."""
    service = scene.acme.agent
    answer = await service.http.get("/api/v1/runs?limit=200", headers=service.as_(scene.acme.ada))
    runs = [run for run in answer.json()["items"] if run["chat_id"] == chat_id]
    return [run["status"] for run in runs] == ["completed"] * count


async def _under_way(scene: Scene, count: int) -> bool:
    checks = (await scene.acme.agent.http.get("/health/ready")).json()["checks"]
    return str(checks["agent.runs"]["line"]).startswith(f"{count} of")


async def _read(scene: Scene, run_id: str, last: str, *, frames: int) -> list[dict[str, Any]]:
    """The next frames of the run's stream."""
    service = scene.acme.agent
    path, headers = f"/api/v1/runs/{run_id}/events", service.as_(scene.acme.ada, last_event_id=last)
    text = ""
    async with asyncio.timeout(20), service.http.stream("GET", path, headers=headers) as answer:
        async for part in answer.aiter_text():
            text += part
            whole = frames_of(text[: text.rfind("\n\n") + 2])
            if len(whole) >= frames:
                return whole
    raise AssertionError(f"the stream ended after {text!r}")
