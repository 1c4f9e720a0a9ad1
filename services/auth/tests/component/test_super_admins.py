"""Operators of the platform: made and unmade at a shell, named in tokens."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from auth.container import operators_runner
from auth.entrypoints.super_admins import super_admins
from auth.settings import Settings
from chassis.database import Database
from chassis.testing.service import RunningService
from chassis.testing.waiting import eventually
from contracts.auth.v1 import AccessRevoked

from ..builders import Person

OPERATIONS = "/operations/auth/dead-letters"


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")


async def run(settings: Settings, *words: str) -> Result:
    """The answer of `python -m auth super-admins …`."""
    return await asyncio.to_thread(CliRunner().invoke, super_admins(lambda: operators_runner(settings)), words)


async def actions(system: Database, user_id: UUID) -> list[Any]:
    query = text("SELECT * FROM operator_actions WHERE target ->> 'user_id' = :id ORDER BY id")
    async with system.system_transaction() as connection:
        return list(await connection.execute(query, {"id": str(user_id)}))


async def test_an_operator_gets_the_role_by_signing_in_or_refreshing(auth: RunningService, settings: Settings) -> None:
    ada, grace = await Person(auth.http).sign_up(), await Person(auth.http).sign_up()
    assert (await ada.call("GET", OPERATIONS)).status_code == 403
    for person in (ada, grace):
        assert (await run(settings, "grant", person.email.upper())).exit_code == 0
    assert (await ada.call("GET", OPERATIONS)).status_code == 403
    await ada.sign_in()
    grace.tokens = (await grace.refresh()).json()
    for person in (ada, grace):
        assert (await person.call("GET", OPERATIONS)).status_code == 200
        assert (await person.me())["role"] == "super_admin"
        assert (await person.call("GET", "/organisation/invitations")).status_code == 200


async def test_an_operator_sees_nothing_of_another_organisation(auth: RunningService, settings: Settings) -> None:
    ada, grace = await Person(auth.http).sign_up(), await Person(auth.http).sign_up()
    await run(settings, "grant", ada.email)
    await ada.sign_in()
    members = (await ada.call("GET", "/organisation/members")).json()["items"]
    assert [member["role"] for member in members] == ["admin"]
    assert (await ada.call("GET", f"/organisation/members/{await grace.id()}")).status_code == 404


async def test_who_is_no_operator_any_more_is_refused_within_two_seconds(
    auth: RunningService, settings: Settings
) -> None:
    ada = await Person(auth.http).sign_up()
    await run(settings, "grant", ada.email)
    await ada.sign_in()
    user_id = await ada.id()
    assert (await run(settings, "revoke", ada.email)).exit_code == 0

    async def refused() -> bool:
        return (await ada.call("GET", OPERATIONS)).status_code == 401

    await eventually(refused, within=2)
    [(_, revoked)] = await auth.published(AccessRevoked, lambda event: event.subject == user_id)
    assert (revoked.reason, revoked.organisation) == ("super-admin-revoked", None)
    ada.tokens = (await ada.refresh()).json()
    assert (await ada.me())["role"] == "admin"
    assert (await ada.call("GET", OPERATIONS)).status_code == 403


async def test_each_act_is_recorded_without_an_address(
    auth: RunningService, settings: Settings, system: Database
) -> None:
    ada = await Person(auth.http).sign_up()
    user_id = await ada.id()
    with capture_logs() as logs:
        answers = [await run(settings, word, ada.email) for word in ("grant", "grant", "revoke", "revoke")]
    assert [answer.exit_code for answer in answers] == [0, 0, 0, 0]
    found = [(act.actor, act.action, act.outcome["changed"]) for act in await actions(system, user_id)]
    assert found == [
        ("cli:grace", "super-admins.grant", True),
        ("cli:grace", "super-admins.grant", False),
        ("cli:grace", "super-admins.revoke", True),
        ("cli:grace", "super-admins.revoke", False),
    ]
    assert str(user_id) in str(logs)
    assert ada.email not in str(logs)


async def test_the_list_names_each_with_who_let_them(auth: RunningService, settings: Settings) -> None:
    ada = await Person(auth.http).sign_up()
    await run(settings, "grant", ada.email)
    [line] = [line for line in (await run(settings, "list")).output.splitlines() if line.startswith(ada.email)]
    assert line.endswith("cli:grace")


@pytest.mark.parametrize("email", ["nobody.at.all@example.com", "no address"])
async def test_nobody_is_made_an_operator_without_an_account(
    auth: RunningService, settings: Settings, email: str
) -> None:
    answer = await run(settings, "grant", email)
    assert (answer.exit_code, "Nobody has signed up" in answer.output) == (1, True)


async def test_a_blocked_operator_does_not_get_in(auth: RunningService, settings: Settings, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    await run(settings, "grant", ada.email)
    async with system.system_transaction() as connection:
        await connection.execute(text("UPDATE users SET status = 'blocked' WHERE email = :e"), {"e": ada.email})
    assert (await ada.login()).status_code == 401
    assert (await ada.refresh()).status_code == 401


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO super_admins SELECT id, now(), 'me' FROM users",
        "UPDATE super_admins SET user_id = gen_random_uuid()",
        "DELETE FROM super_admins",
    ],
)
async def test_the_serving_role_cannot_make_an_operator(
    auth: RunningService, database: Database, statement: str
) -> None:
    async with database.system_transaction() as connection:
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(text(statement))
