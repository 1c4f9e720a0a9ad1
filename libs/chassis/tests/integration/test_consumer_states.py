"""What an operator sees of the consumers, at any replica and in a shell."""

import asyncio
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from typer.testing import CliRunner

from chassis.core import NotYet, new_id
from chassis.database import is_passing
from chassis.health import Status
from chassis.http.app import create_app
from chassis.http.identity import Identity
from chassis.http.revocations import Revocations
from chassis.http.routing import Router
from chassis.kafka import resting
from chassis.operations.consumers_commands import consumers
from chassis.operations.consumers_routes import consumers_routes
from chassis.operations.operator import Operators
from chassis.settings import ServiceSettings
from chassis.testing.client import client_of
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.waiting import eventually, running
from contracts.permissions import Role

from ..sample.stage import Stage, noting
from .test_parking import Handler, rests

COPIES = "sample.copies"
KEYS = TestKeys()
PATH = "/api/v1/operations/sample/consumers"


def client(stage: Stage, role: Role = Role.SUPER_ADMIN) -> httpx.AsyncClient:
    router = Router(prefix="/operations/sample")
    consumers_routes(router, Operators(Identity(KEYS, Revocations()), stage.system_dsn), stage.kafka, "sample")
    return client_of(create_app("sample", [router], dict, passing=is_passing), KEYS.headers(a_caller(role=role)))


async def state_of(stage: Stage) -> dict[str, Any]:
    async with client(stage) as operator:
        answer = await operator.get(PATH)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["items"]
    return dict(found)


async def test_an_operator_sees_how_far_a_consumer_is_and_who_reads(stage: Stage) -> None:
    thing = new_id()
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 2), stage.fact(new_id(), 2))
        await stage.until_read(COPIES)
        state = await state_of(stage)
    counts = {name: state[name] for name in ("name", "lag", "stuck", "parked_keys", "dead_letters")}
    assert counts == {"name": COPIES, "lag": 0, "stuck": False, "parked_keys": 1, "dead_letters": 1}
    assert [one["partition"] for one in state["partitions"]] == [0, 1, 2]
    assert all(one["member"].startswith("sample.copies-0-") for one in state["partitions"])
    read = [one for one in state["partitions"] if one["end"]]
    assert all(one["committed"] == one["end"] and one["last_movement"] for one in read)


async def test_what_nobody_reads_is_lag(stage: Stage) -> None:
    thing = new_id()
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 1))
        await stage.until_read(COPIES)
    await stage.topics.send(stage.fact(thing, 2), stage.fact(thing, 3))
    state = await state_of(stage)
    assert (state["lag"], state["stuck"]) == (2, False)


async def test_only_operators_see_the_consumers(stage: Stage) -> None:
    async with client(stage, Role.ADMIN) as member:
        assert (await member.get(PATH)).status_code == 403


async def test_the_command_lists_the_consumers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(new_id(), 1))
        await stage.until_read(COPIES)
    for name, value in {"HTTP_PORT": "1", "METRICS_PORT": "1", "JWKS_URL": "http://none"}.items():
        monkeypatch.setenv(f"STOA_{name}", value)
    for name, value in stage.environment.items():
        monkeypatch.setenv(name, value)
    listed = await asyncio.to_thread(run, "list")
    assert COPIES in listed
    assert max(map(len, listed.splitlines())) <= 80
    assert "testing-things" in await asyncio.to_thread(run, "list", "--partitions")


def run(*words: str) -> str:
    answer = CliRunner(env={"COLUMNS": "80"}).invoke(consumers("sample", ServiceSettings), words)
    assert answer.exit_code == 0, answer.output
    return answer.output


async def test_what_waits_for_a_person_is_told_once_counted_and_in_the_health(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting, "LOOK_S", 0.1)
    handler = Handler()
    handler.answers["early"] = NotYet("the organisation")
    slot, reader, retrier = stage.consuming(handler.consumer)
    poison = stage.fact(new_id(), 1).without("ce_actor")
    with capture_logs() as logs:
        async with running(slot, reader, retrier):
            await stage.topics.send(poison, stage.fact(new_id(), 1, "early"))
            await stage.until_parked(2)
            await stage.execute("UPDATE dead_letters SET retry_until = now() WHERE retry_at IS NOT NULL")
            await eventually(lambda: rests(stage))
            await eventually(lambda: tells(reader.health().line, "reads; 2 parked keys wait for a person"))
            assert reader.health().status is Status.HEALTHY
            assert REGISTRY.get_sample_value("stoa_dead_letters_waiting", {"consumer": COPIES}) == 2
    told = [line for line in logs if line["event"] == "event-parked"]
    assert sorted(line["reason"] for line in told) == ["not-yet", "poison"]
    assert all(set(line) == {"event", "consumer", "kind", "event_id", "reason", "log_level"} for line in told)


async def tells(line: str, expected: str) -> bool:
    return line == expected
