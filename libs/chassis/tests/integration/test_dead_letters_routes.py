"""Dead letters over HTTP and at a shell: who may, what is told, what is done, and what is written down."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from chassis.core import new_id
from chassis.database import is_passing
from chassis.http.app import create_app
from chassis.http.identity import Identity
from chassis.http.pages import Cursors
from chassis.http.revocations import Revocations
from chassis.operations.dead_letters_commands import dead_letters
from chassis.operations.operator import Operators
from chassis.operations.routes import operations_routes
from chassis.settings import DEVELOPMENT_KEY, ServiceSettings
from chassis.testing.client import client_of
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.waiting import running
from contracts.permissions import Role

from ..sample.stage import Stage, noting
from .test_dead_letters_redrive import COPIES, stuck
from .test_parking import Handler, Orders

KEYS = TestKeys()
PATH = "/api/v1/operations/sample/dead-letters"
WHY = {"reason": "a script sent it"}


def client(stage: Stage, role: Role | None = Role.SUPER_ADMIN, user_id: UUID | None = None) -> httpx.AsyncClient:
    """Somebody at the operators' routes of the sample service; None: without a token."""
    operators = Operators(Identity(KEYS, Revocations()), stage.system_dsn)
    router = operations_routes("sample", operators, Cursors([DEVELOPMENT_KEY.encode()]), stage.kafka)
    headers = KEYS.headers(a_caller(user_id, role=role)) if role is not None else None
    return client_of(create_app("sample", [router], dict, passing=is_passing), headers)


@pytest.fixture
async def operator(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stage) as made:
        yield made


@pytest.fixture
def handler() -> Handler:
    return Handler()


async def parked(stage: Stage, handler: Handler, *things: UUID) -> list[int]:
    """Three events of each thing wait for a person; nothing runs any more. Their ids by key and sequence."""
    async with running(*stage.consuming(handler.consumer)):
        await stuck(stage, handler, *things)
    return [letter.id for letter in await stage.letters()]


async def actions(stage: Stage) -> list[Any]:
    return await stage.rows("SELECT * FROM operator_actions ORDER BY id")


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 403), (Role.VIEWER, 403), (None, 401)])
async def test_only_operators_get_in(stage: Stage, role: Role | None, status: int) -> None:
    async with client(stage, role) as stranger:
        for method, path, body in (
            ("GET", "", None),
            ("GET", "/1", None),
            ("POST", "/redrive", {"all": True}),
            ("POST", "/1/discard", WHY),
        ):
            answer = await stranger.request(method, PATH + path, json=body)
            assert (answer.status_code, path) == (status, path)
    assert await actions(stage) == []


async def test_a_list_is_told_in_pages_and_by_consumer_topic_and_key(
    stage: Stage, operator: httpx.AsyncClient, handler: Handler
) -> None:
    first, second = sorted([new_id(), new_id()])
    ids = await parked(stage, handler, first, second)
    page = (await operator.get(PATH, params={"limit": 4})).json()
    rest = (await operator.get(PATH, params={"limit": 4, "cursor": page["next_cursor"]})).json()
    assert sorted(letter["id"] for letter in page["items"] + rest["items"]) == sorted(ids)
    assert rest["next_cursor"] is None
    of_key = (await operator.get(PATH, params={"consumer": COPIES, "key": str(first)})).json()["items"]
    assert [(letter["id"], letter["behind"]) for letter in of_key] == [
        (ids[0], None),
        (ids[1], ids[0]),
        (ids[2], ids[0]),
    ]
    assert (await operator.get(PATH, params={"topic": "testing-nothing"})).json()["items"] == []
    other_list = await operator.get(PATH, params={"key": str(first), "cursor": page["next_cursor"]})
    assert other_list.status_code == 400


async def test_one_is_shown_with_its_bytes_and_what_waits_behind_it(
    stage: Stage, operator: httpx.AsyncClient, handler: Handler
) -> None:
    thing = new_id()
    ids = await parked(stage, handler, thing)
    shown = (await operator.get(f"{PATH}/{ids[0]}")).json()
    assert (shown["sequence"], shown["error"], shown["held"]) == (1, "ValueError: a bug", {"count": 2, "ids": ids[1:]})
    assert shown["json"]["name"] == "1"
    assert base64.b64decode(shown["value"]["base64"]).decode() == shown["value"]["text"]
    headers = {header["name"]: header["value"]["text"] for header in shown["headers"]}
    assert headers["ce_type"] == shown["kind"] == "testing.thing-made"
    assert (await operator.get(f"{PATH}/{ids[2]}")).json()["held"] == {"count": 0, "ids": []}
    assert (await operator.get(f"{PATH}/{max(ids) + 1}")).status_code == 404


async def test_bytes_that_are_no_event_are_shown_as_they_are(stage: Stage, operator: httpx.AsyncClient) -> None:
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(new_id(), 1).with_value(b"\xff{").with_header("ce_id", None))
        [letter] = await stage.until_parked(1)
    shown = (await operator.get(f"{PATH}/{letter.id}")).json()
    assert shown["value"] == {"base64": "/3s=", "text": None}
    assert shown["json"] is None
    assert {"name": "ce_id", "value": None} in shown["headers"]


async def test_a_redrive_over_http_applies_in_order_and_says_who_did_it(stage: Stage, handler: Handler) -> None:
    thing, user_id = new_id(), new_id()
    ids = await parked(stage, handler, thing)
    async with client(stage, user_id=user_id) as operator, running(*stage.consuming(handler.consumer)):
        for _ in range(2):
            answer = await operator.post(f"{PATH}/redrive", json={"consumer": COPIES, "key": str(thing)})
            assert (answer.status_code, set(answer.json()["ids"]) <= set(ids)) == (202, True)
        await stage.until_effects(COPIES, ["1", "2", "3"], thing)
        await stage.until_parked(0)
        assert (await operator.post(f"{PATH}/redrive", json={"id": ids[0]})).status_code == 404
        assert (await operator.post(f"{PATH}/redrive", json={"all": True})).json() == {"ids": []}
    action = (await actions(stage))[0]
    assert (action.actor, action.action) == (f"user:{user_id}", "dead-letters.redrive")
    assert (action.target, action.outcome) == ({"consumer": COPIES, "key": str(thing)}, {"ids": [ids[0]]})


@pytest.mark.parametrize("body", [{}, {"id": 1, "all": True}, {"key": "x"}, {"id": 1, "topic": "x"}, {"all": False}])
async def test_a_redrive_needs_one_choice(operator: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await operator.post(f"{PATH}/redrive", json=body)).status_code == 422


async def test_a_discarded_event_is_never_applied_and_the_rest_of_its_key_follows_in_order(
    stage: Stage, operator: httpx.AsyncClient, handler: Handler
) -> None:
    thing = new_id()
    ids = await parked(stage, handler, thing)
    answer = await operator.post(f"{PATH}/{ids[0]}/discard", json=WHY)
    assert (answer.status_code, answer.json()) == (200, {"id": ids[0], "next_id": ids[1]})
    async with running(*stage.consuming(handler.consumer)):
        await stage.until_effects(COPIES, ["2", "3"], thing)
        await stage.until_parked(0)
        await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 4))  # a repeat of it is dropped
        await stage.until_effects(COPIES, ["2", "3", "4"], thing)
    assert await stage.letters() == []
    assert await stage.rows("SELECT * FROM parked_keys") == []


async def test_only_the_next_event_of_a_key_can_be_discarded(
    stage: Stage, operator: httpx.AsyncClient, handler: Handler
) -> None:
    ids = await parked(stage, handler, new_id())
    answer = await operator.post(f"{PATH}/{ids[2]}/discard", json=WHY)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:not-its-turn")
    assert f"behind dead letter {ids[0]}" in answer.json()["detail"]
    assert (len(await stage.letters()), await actions(stage)) == (3, [])


async def test_an_event_behind_a_gap_cannot_be_discarded(stage: Stage, operator: httpx.AsyncClient) -> None:
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(new_id(), 2))
        [letter] = await stage.until_parked(1)
    answer = await operator.post(f"{PATH}/{letter.id}/discard", json=WHY)
    assert (answer.status_code, "the event with sequence 1" in answer.json()["detail"]) == (409, True)


async def test_a_discard_asked_for_twice_is_done_and_recorded_once(
    stage: Stage, operator: httpx.AsyncClient, handler: Handler
) -> None:
    ids = await parked(stage, handler, new_id())
    asked = [operator.post(f"{PATH}/{ids[0]}/discard", json=WHY) for _ in range(3)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*asked)) == [200, 404, 404]
    [action] = await actions(stage)
    assert (action.action, action.target, action.reason) == ("dead-letters.discard", {"id": ids[0]}, WHY["reason"])
    assert (action.outcome["sequence"], action.outcome["kind"]) == (1, "testing.thing-made")
    positions = await stage.rows("SELECT sequence FROM inbox WHERE consumer = :name", name=COPIES)
    assert [row.sequence for row in positions] == [1]


async def test_bytes_that_are_no_event_are_discarded_and_leave_their_gap(
    stage: Stage, operator: httpx.AsyncClient
) -> None:
    thing = new_id()
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 1).with_header("ce_id", b"nonsense"), stage.fact(thing, 2))
        letters = await stage.until_parked(2)
        poison = next(letter for letter in letters if letter.sequence is None)
        assert (await operator.post(f"{PATH}/{poison.id}/discard", json=WHY)).status_code == 200
        assert [letter.sequence for letter in await stage.until_parked(1)] == [2]
        await stage.topics.send(stage.fact(thing, 1))
        await stage.until_effects(COPIES, ["1", "2"], thing)


async def test_a_command_is_neither_redriven_nor_discarded(stage: Stage, operator: httpx.AsyncClient) -> None:
    orders = Orders(ValueError("a bug"))
    async with running(*stage.consuming(orders.consumer)):
        await stage.topics.send(orders.placed(stage, within=timedelta(minutes=1)))
        [letter] = await stage.until_parked(1, orders.name)
    for answer in (
        await operator.post(f"{PATH}/{letter.id}/discard", json=WHY),
        await operator.post(f"{PATH}/redrive", json={"id": letter.id}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:command-is-answered")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "two\nlines", None])
async def test_a_discard_needs_a_reason(operator: httpx.AsyncClient, reason: str | None) -> None:
    answer = await operator.post(f"{PATH}/1/discard", json={"reason": reason})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")


async def test_nothing_of_a_message_gets_into_logs_or_the_record(
    stage: Stage, operator: httpx.AsyncClient, handler: Handler
) -> None:
    thing = new_id()
    handler.answers["secret-payload"] = ValueError("a bug")
    async with running(*stage.consuming(handler.consumer)):
        await stage.topics.send(stage.fact(thing, 1, "secret-payload"))
        [letter] = await stage.until_parked(1)
    with capture_logs() as logs:
        await operator.get(f"{PATH}/{letter.id}")
        await operator.post(f"{PATH}/redrive", json={"id": letter.id})
        await operator.post(f"{PATH}/{letter.id}/discard", json=WHY)
    assert len([log for log in logs if log["event"] == "operator-acted"]) == len(await actions(stage)) == 2
    assert "secret-payload" not in str(logs) + str(await actions(stage))


@pytest.mark.parametrize("statement", ["UPDATE operator_actions SET actor = 'x'", "DELETE FROM operator_actions"])
async def test_the_record_cannot_be_changed(stage: Stage, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await stage.execute(statement)


@pytest.fixture
def at_a_shell(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"STOA_HTTP_PORT": "1", "STOA_METRICS_PORT": "1", "STOA_JWKS_URL": "http://none"}
    for name, value in {**stage.environment, **more, "LOGNAME": "ada"}.items():
        monkeypatch.setenv(name, value)


async def run(*words: str) -> Result:
    """The answer of `python -m <service> dead-letters …`."""
    return await asyncio.to_thread(CliRunner().invoke, dead_letters(ServiceSettings), words)


@pytest.mark.usefixtures("at_a_shell")
async def test_the_same_words_at_a_shell(stage: Stage, handler: Handler) -> None:
    ids = await parked(stage, handler, new_id())
    listed = (await run("list", "--consumer", COPIES)).output
    assert "waits for a person" in listed
    assert f"waits behind {ids[0]}" in listed
    assert max(map(len, listed.splitlines())) <= 80
    shown = (await run("show", str(ids[0]))).output
    assert '"name": "1"' in shown
    assert f"2 ({ids[1]}, {ids[2]})" in shown
    assert f"Tried now: {ids[0]}." in (await run("redrive", str(ids[2]))).output
    discarded = await run("discard", str(ids[0]), "--reason", "sent by mistake")
    assert f"Dead letter {ids[1]} is tried now" in discarded.output
    found = [(action.actor, action.action, action.reason) for action in await actions(stage)]
    assert found == [
        ("cli:ada", "dead-letters.redrive", None),
        ("cli:ada", "dead-letters.discard", "sent by mistake"),
    ]


@pytest.mark.usefixtures("at_a_shell")
async def test_a_shell_refuses_by_exit_code_and_a_line(stage: Stage) -> None:
    for words in (["show", "1"], ["redrive", "1"], ["discard", "1", "--reason", "none"]):
        answer = await run(*words)
        assert (answer.exit_code, "There is no dead letter 1" in answer.output) == (1, True)
    for words in (["redrive"], ["redrive", "--key", "x"], ["discard", "1"], ["discard", "1", "--reason", " "]):
        assert (await run(*words)).exit_code == 2
    assert await actions(stage) == []


@pytest.mark.usefixtures("at_a_shell")
async def test_a_terminal_obeys_nothing_of_a_message(stage: Stage) -> None:
    async with running(*stage.consuming(noting())):
        hostile = stage.fact(new_id(), 1).with_value(b"\x1b[2J").with_header("x-colour", b"\x1b[31m\xc2\x9b")
        await stage.topics.send(hostile)
        [letter] = await stage.until_parked(1)
    shown = (await run("show", str(letter.id))).output + (await run("list")).output
    assert "\\x1b[2J" in shown
    assert not {"\x1b", "\x9b"} & set(shown)
