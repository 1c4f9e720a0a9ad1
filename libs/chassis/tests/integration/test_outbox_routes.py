"""The outbox over HTTP and at a shell: who may, what is told, what is sent again, and what is written down."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from chassis.kafka.connection import Kafka
from chassis.operations.outbox_commands import outbox
from chassis.settings import ServiceSettings
from chassis.testing.waiting import running
from contracts.permissions import Role

from ..sample.stage import Stage
from .test_dead_letters_routes import actions, client

PATH = "/api/v1/operations/sample/outbox"
LOSE = "UPDATE broker SET cluster_id = 'another'"
EVER = "2000-01-01T00:00:00Z"


@pytest.fixture
async def operator(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stage) as made:
        yield made


async def some_sent(stage: Stage, count: int = 3) -> None:
    async with running(stage.relay()):
        for number in range(count):
            await stage.make(f"thing {number}")
        await stage.until_sent()


async def at_shell(stage: Stage, *words: str, **more: str) -> Result:
    usual = {"STOA_HTTP_PORT": "1", "STOA_METRICS_PORT": "1", "STOA_JWKS_URL": "http://none"}
    environment: Mapping[str, str] = {**usual, **stage.environment, **more}
    return await asyncio.to_thread(CliRunner().invoke, outbox(ServiceSettings), list(words), env=environment)


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 403), (Role.VIEWER, 403), (None, 401)])
async def test_only_operators_get_in(stage: Stage, role: Role | None, status: int) -> None:
    async with client(stage, role) as stranger:
        assert (await stranger.get(PATH)).status_code == status
        assert (await stranger.post(f"{PATH}/replay", json={"since": EVER})).status_code == status
    assert await actions(stage) == []


async def test_it_tells_what_waits_what_is_held_who_sends_and_to_whom(
    stage: Stage, operator: httpx.AsyncClient
) -> None:
    empty = (await operator.get(PATH)).json()
    assert empty["sender"] is empty["cluster_id"] is None
    assert empty["new"] == {"rows": 0, "bytes": 0, "oldest_s": 0}
    await some_sent(stage)
    await stage.make("waits")
    await stage.execute("UPDATE outbox SET refused = 'MessageSizeTooLargeError' WHERE sent_at IS NULL")
    found = (await operator.get(PATH)).json()
    assert found["new"]["rows"] == 1
    assert found["new"]["bytes"] > 100
    assert found["new"]["oldest_s"] >= 0
    held = [(row["id"], row["topic"], row["error"]) for row in found["held"]]
    assert held == [(4, "testing-things", "MessageSizeTooLargeError")]
    assert found["cluster_id"] == await stage.kafka.cluster_id()


@pytest.mark.parametrize(
    "body",
    [{}, {"since": EVER, "lost_broker": True}, {"lost_broker": False}, {"since": "2000-01-01T00:00:00"}, {"all": True}],
    ids=["nothing", "both", "false", "no zone", "unknown"],
)
async def test_a_replay_names_exactly_one_choice(
    stage: Stage, operator: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await operator.post(f"{PATH}/replay", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:stoa:problem:invalid-input")
    assert await actions(stage) == []


async def test_a_replay_since_a_time_is_done_and_written_down(stage: Stage, operator: httpx.AsyncClient) -> None:
    await some_sent(stage)
    answer = await operator.post(f"{PATH}/replay", json={"since": EVER})
    assert (answer.status_code, answer.json()) == (202, {"rows": 3})
    assert (await operator.get(PATH)).json()["again"]["rows"] == 3
    written = (await actions(stage))[0]
    assert (written.action, written.target, written.outcome) == ("outbox.replay", {"since": EVER}, {"rows": 3})
    assert written.actor.startswith("user:")


async def test_a_broker_is_filled_once_and_the_second_time_refused(stage: Stage, operator: httpx.AsyncClient) -> None:
    await some_sent(stage)
    await stage.execute(LOSE)
    done = await operator.post(f"{PATH}/replay", json={"lost_broker": True})
    again = await operator.post(f"{PATH}/replay", json={"lost_broker": True})
    assert (done.status_code, done.json()) == (202, {"rows": 3})
    assert (again.status_code, again.json()["type"]) == (409, "urn:stoa:problem:broker-not-lost")
    cluster = await stage.kafka.cluster_id()
    [written] = await actions(stage)
    assert written.outcome == {"rows": 3, "cluster_id": cluster, "instead_of": "another"}


async def test_a_broker_that_is_away_is_not_filled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stage.__dict__, "kafka", Kafka("127.0.0.1:1", "nobody", "", "", "sample"))
    async with client(stage) as operator:
        answer = await operator.post(f"{PATH}/replay", json={"lost_broker": True})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:stoa:problem:broker-away")
    assert await actions(stage) == []


async def test_at_a_shell_the_same_is_told_and_done(stage: Stage) -> None:
    await some_sent(stage)
    told = await at_shell(stage, "status")
    assert told.exit_code == 0
    assert told.output.splitlines()[:3] == [
        "unsent      nothing waits",
        "sent again  nothing waits",
        "held        nothing",
    ]
    refused = await at_shell(stage, "replay", "--lost-broker")
    assert (refused.exit_code, "as known" in refused.output) == (1, True)
    await stage.execute(LOSE)
    assert "\n3 messages are sent again" in (await at_shell(stage, "replay", "--lost-broker")).output
    assert "\n0 messages are sent again" in (await at_shell(stage, "replay", "--since", EVER)).output
    assert "3 messages" in (await at_shell(stage, "status")).output.splitlines()[1]
    assert [row.actor.partition(":")[0] for row in await actions(stage)] == ["cli", "cli"]


@pytest.mark.parametrize(
    "words", [[], ["--since", EVER, "--lost-broker"], ["--since", "noon"], ["--since", "2000-01-01"]]
)
async def test_at_a_shell_a_wrong_choice_is_refused(stage: Stage, words: list[str]) -> None:
    assert (await at_shell(stage, "replay", *words)).exit_code == 2
    assert await actions(stage) == []
