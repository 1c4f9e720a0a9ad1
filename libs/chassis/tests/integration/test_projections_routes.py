"""Projections over HTTP and at a shell: who may, what is told, what is asked for, and what is written down."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from chassis.core import new_id
from chassis.database import is_passing
from chassis.http.app import create_app
from chassis.http.identity import Identity
from chassis.http.pages import Cursors
from chassis.http.revocations import Revocations
from chassis.kafka.connection import Kafka
from chassis.operations.operator import Operators
from chassis.operations.projections_commands import projections
from chassis.operations.routes import operations_routes
from chassis.serve import Parts, Service
from chassis.settings import DEVELOPMENT_KEY, ServiceSettings
from chassis.snapshots.rebuilds import Mode
from chassis.testing.client import client_of
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.waiting import eventually, running
from contracts.permissions import Role

from ..sample.copies import copying
from ..sample.stage import Stage, noting

KEYS = TestKeys()
PATH = "/api/v1/operations/sample/projections"
COPIES, EFFECTS = copying(), noting("sample.effects")
CONSUMERS = [EFFECTS, COPIES]


def client(stage: Stage, role: Role | None = Role.SUPER_ADMIN, kafka: Kafka | None = None) -> httpx.AsyncClient:
    """Somebody at the operators' routes of the sample service; None: without a token."""
    operators = Operators(Identity(KEYS, Revocations()), stage.system_dsn)
    cursors = Cursors([DEVELOPMENT_KEY.encode()])
    router = operations_routes("sample", operators, cursors, kafka or stage.kafka, CONSUMERS)
    headers = KEYS.headers(a_caller(role=role)) if role is not None else None
    return client_of(create_app("sample", [router], dict, passing=is_passing), headers)


@pytest.fixture
async def operator(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stage) as made:
        yield made


async def actions(stage: Stage) -> list[Any]:
    return [
        (row.actor.partition(":")[0], row.action, row.target, row.outcome)
        for row in await stage.rows("SELECT * FROM operator_actions ORDER BY id")
    ]


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 403), (Role.VIEWER, 403), (None, 401)])
async def test_only_operators_get_in(stage: Stage, role: Role | None, status: int) -> None:
    async with client(stage, role) as stranger:
        for method, path in (
            ("GET", ""),
            ("GET", f"/rebuilds/{new_id()}"),
            *(("POST", f"/{COPIES.name}/{mode}") for mode in Mode),
        ):
            answer = await stranger.request(method, PATH + path)
            assert (answer.status_code, path) == (status, path)
    assert await actions(stage) == []
    assert await stage.rows("SELECT * FROM rebuilds") == []


async def test_an_operator_sees_what_is_kept_has_it_rebuilt_and_sees_how_that_ended(
    stage: Stage, operator: httpx.AsyncClient
) -> None:
    async with running(*stage.copying(*CONSUMERS)):
        things = {await stage.make(name): name for name in ("chair", "table")}
        await stage.until_copies(things)
        await stage.until_read(COPIES.name)
        await stage.until_read(EFFECTS.name)
        assert (await operator.get(PATH)).json()["items"] == [
            {"consumer": COPIES.name, "topic": "testing-things", "table": "copies", "rows": 2, "lag": 0, "last": None},
            {"consumer": EFFECTS.name, "topic": "testing-things", "table": None, "rows": None, "lag": 0, "last": None},
        ]
        await stage.execute("UPDATE copies SET name = 'broken'")
        asked = await operator.post(f"{PATH}/{COPIES.name}/rebuild")
        assert (asked.status_code, asked.json()["status"]) == (202, "asked")
        id_ = asked.json()["id"]

        async def ended() -> Any:
            shown = (await operator.get(f"{PATH}/rebuilds/{id_}")).json()
            return shown if shown["ended_at"] is not None else None

        shown = await eventually(ended)
    assert (shown["status"], shown["mode"], shown["items"], shown["differing"]) == ("done", "rebuild", 2, 2)
    assert set(shown["differing_keys"]) == set(map(str, things))
    assert await stage.copies() == things
    assert (await operator.get(PATH)).json()["items"][0]["last"] == shown
    assert await actions(stage) == [("user", "projections.rebuild", {"consumer": COPIES.name}, {"id": id_})]


async def test_what_lags_is_told_and_a_broker_that_is_away_hides_nothing_else(
    stage: Stage, operator: httpx.AsyncClient
) -> None:
    await stage.topics.send(*(stage.fact(new_id(), 1) for _ in range(3)))
    assert [one["lag"] for one in (await operator.get(PATH)).json()["items"]] == [3, 3]
    away = Kafka("127.0.0.1:1", "nobody", "none", "", "sample")
    async with client(stage, kafka=away) as other:
        assert [one["lag"] for one in (await other.get(PATH)).json()["items"]] == [None, None]


async def test_what_cannot_be_is_refused_and_leaves_no_trace(stage: Stage, operator: httpx.AsyncClient) -> None:
    refusals = {
        f"/sample.strangers/{Mode.REBUILD}": (404, "no-projection"),
        f"/{EFFECTS.name}/{Mode.REBUILD}": (409, "only-seeds"),
        f"/{EFFECTS.name}/{Mode.CHECK}": (409, "only-seeds"),
    }
    for path, (status, slug) in refusals.items():
        answer = await operator.post(PATH + path)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, slug)
    unknown = await operator.get(f"{PATH}/rebuilds/{new_id()}")
    assert (unknown.status_code, unknown.json()["type"].rpartition(":")[2]) == (404, "no-rebuild")
    assert await actions(stage) == []
    assert await stage.rows("SELECT * FROM rebuilds") == []


@pytest.fixture
def shell(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The commands at a shell, in a thread of their own as each has its own event loop."""
    for name, value in {"STOA_HTTP_PORT": "1", "STOA_METRICS_PORT": "1", **stage.environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STOA_JWKS_URL", "http://none")
    monkeypatch.setenv("STOA_ENVIRONMENT", "development")

    def build(_: ServiceSettings) -> Parts:
        return Parts(app=_no_app, bare_app=_no_app, consumers=CONSUMERS)

    app = projections(Service("sample", ServiceSettings, build), ServiceSettings)

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, arguments)

    return run


def _no_app(_: Any) -> Any:
    raise NotImplementedError


async def test_the_same_words_do_it_at_a_shell(stage: Stage, shell: Any) -> None:
    async with running(*stage.copying(*CONSUMERS)):
        thing = await stage.make("chair")
        await stage.until_copies({thing: "chair"})
        equal = await shell("check", COPIES.name, "--wait")
        assert "1 applied, 0 newer, 0 lagging, 0 differing" in equal.output
        assert equal.exit_code == 0
        await stage.execute("UPDATE copies SET name = 'broken'")
        differing = await shell("check", COPIES.name, "--wait")
        assert (differing.exit_code, str(thing) in differing.output) == (1, True)
        assert (await shell("rebuild", COPIES.name, "--wait")).exit_code == 0
        assert await stage.copies() == {thing: "chair"}
        asked = await shell("seed", EFFECTS.name)
        id_ = asked.output.partition("projections show ")[2].partition("`")[0]
        assert "seed" in (await shell("show", id_)).output
    listed = (await shell("list")).output
    assert "table copies, 1 rows" in listed
    assert max(map(len, listed.splitlines())) <= 100
    assert [action for _, action, *_ in await actions(stage)] == [
        *["projections.check"] * 2,
        "projections.rebuild",
        "projections.seed",
    ]


async def test_a_refusal_at_a_shell_says_why(stage: Stage, shell: Any) -> None:
    refused = await shell("rebuild", EFFECTS.name)
    assert (refused.exit_code, "acts, or keeps more than the last state" in refused.output) == (1, True)
    assert await actions(stage) == []
