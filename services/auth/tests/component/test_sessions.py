"""Sessions: rotation of refresh tokens, reuse, the grace, and their end."""

import asyncio
from uuid import UUID

from joserfc.jwk import OKPKey
from sqlalchemy import text

from auth.container import build
from auth.settings import Settings
from chassis.database import Database
from chassis.http.tokens import Caller, verify
from chassis.testing.client import client_of
from chassis.testing.service import RunningService
from chassis.testing.waiting import eventually, running
from contracts.auth.v1 import AccessRevoked

from ..builders import Json, Person

AGE = text("""
UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => :seconds)
WHERE session_id IN (SELECT id FROM sessions WHERE user_id = :user_id)
""")

WAITING = text("""
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE NOT granted AND activity.datname = current_database()
)
""")


async def test_each_refresh_gives_a_new_token_of_the_same_session(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    first = await _caller(auth, ada.tokens)
    tokens = (await ada.refresh()).json()
    second = await _caller(auth, tokens)
    assert tokens["refresh_token"] != ada.tokens["refresh_token"]
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    assert (second.session_id, second.user_id, second.org_id) == (first.session_id, first.user_id, first.org_id)
    assert second.token_id != first.token_id


async def test_the_moment_of_issue_has_a_fraction_of_a_second(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    callers = [await _caller(auth, (await ada.sign_in()).tokens) for _ in range(3)]
    assert any(caller.issued_at.microsecond for caller in callers)


async def test_a_repeat_within_the_grace_gets_the_same_successor(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    first, second = await ada.refresh(), await ada.refresh()
    assert second.json()["refresh_token"] == first.json()["refresh_token"]
    assert await _live_tokens(system, await ada.id()) == 1


async def test_a_repeat_within_the_grace_is_answered_also_when_its_successor_was_used(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    first = (await ada.refresh()).json()
    assert (await ada.refresh(first["refresh_token"])).status_code == 200
    assert (await ada.refresh()).json()["refresh_token"] == first["refresh_token"]


async def test_fifty_refreshes_at_once_leave_one_live_successor(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    answers = await asyncio.gather(*(ada.refresh() for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert await _live_tokens(system, await ada.id()) == 1


async def test_reuse_after_the_grace_ends_the_session_and_its_access(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    user_id, session = await ada.id(), (await _caller(auth, ada.tokens)).session_id
    successor = (await ada.refresh()).json()["refresh_token"]
    await _age(system, user_id, seconds=11)
    assert (await ada.refresh()).json()["type"] == "urn:stoa:problem:refresh-refused"
    assert (await ada.refresh(successor)).status_code == 401
    [(_, revoked)] = await auth.published(AccessRevoked, lambda event: event.session == session)
    assert revoked.reason == "refresh-token-reused"
    await eventually(lambda: _is_refused(ada), within=2)


async def test_reuse_ends_no_other_session(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    elsewhere = await Person(auth.http, ada.email).sign_in()
    await ada.refresh()
    await _age(system, await ada.id(), seconds=11)
    assert (await ada.refresh()).status_code == 401
    assert (await elsewhere.refresh()).status_code == 200


async def test_a_made_up_token_of_a_known_session_ends_nothing(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    token = ada.tokens["refresh_token"]
    forged = token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")
    assert (await ada.refresh(forged)).status_code == 401
    assert (await ada.refresh()).status_code == 200


async def test_a_successor_whose_answer_was_lost_with_its_process_is_given_again(
    auth: RunningService, settings: Settings
) -> None:
    ada = await Person(auth.http).sign_up()
    lost = (await ada.refresh()).json()["refresh_token"]
    parts = build(settings)
    keys = [component for component in parts.always if component.name == "signing-keys"]
    async with running(*keys), client_of(parts.app(dict)) as another:
        answer = await eventually(lambda: _ok(Person(another, tokens=ada.tokens)))
    for close in parts.close:
        await close()
    assert answer["refresh_token"] == lost


async def test_a_refresh_waits_for_a_role_that_is_just_being_changed(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    values = {"user_id": await ada.id()}
    async with system.system_transaction() as connection:
        lowered = text("UPDATE organisation_members SET role = 'viewer' WHERE user_id = :user_id")
        await connection.execute(lowered, values)
        refreshing = asyncio.create_task(ada.refresh())

        async def waits_or_is_done() -> bool:
            return refreshing.done() or bool((await connection.execute(WAITING)).scalar())

        await eventually(waits_or_is_done)
    caller = await _caller(auth, (await refreshing).json())
    assert caller.role == "viewer"


async def test_a_session_ends_after_thirty_days_however_much_it_is_used(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    async with system.system_transaction() as connection:
        query = text("SELECT expires_at - started_at AS life FROM sessions WHERE user_id = :id")
        before = (await connection.execute(query, {"id": await ada.id()})).scalar_one()
        ada.tokens = (await ada.refresh()).json()
        after = (await connection.execute(query, {"id": await ada.id()})).scalar_one()
        assert before == after
        assert before.days == 30
        expired = text("UPDATE sessions SET expires_at = now() WHERE user_id = :id")
        await connection.execute(expired, {"id": await ada.id()})
    assert (await ada.refresh()).status_code == 401


async def test_signing_out_ends_the_session_everywhere(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    session = (await _caller(auth, ada.tokens)).session_id
    assert (await ada.call("POST", "/auth/logout")).status_code == 204
    assert (await ada.refresh()).status_code == 401
    await eventually(lambda: _is_refused(ada), within=2)
    [(envelope, revoked)] = await auth.published(AccessRevoked, lambda event: event.session == session)
    assert (revoked.reason, revoked.subject, envelope.audience) == ("signed-out", None, "internal")
    assert (await Person(auth.http, ada.email).sign_in()).tokens


async def test_no_token_stands_readable_in_the_database(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    successor = (await ada.refresh()).json()["refresh_token"]
    invited = await ada.invite("grace.hopper@example.com")
    async with system.system_transaction() as connection:
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        tables = await connection.execute(text(names))
        rows = [
            str(row)
            for name in tables.scalars().all()
            for row in (await connection.execute(text(f"SELECT {name}::text FROM {name}"))).scalars()
        ]
    for secret in (ada.tokens["refresh_token"], successor, invited["token"], ada.password):
        assert not [row for row in rows if secret in row or secret.encode().hex() in row]


async def _caller(auth: RunningService, tokens: Json) -> Caller:
    """Who the access token names, verified with the published keys like any other service does."""
    document = (await auth.http.get("/.well-known/jwks.json")).json()

    class Published:
        async def key(self, kid: str) -> OKPKey | None:
            return next((OKPKey.import_key(key) for key in document["keys"] if key["kid"] == kid), None)

    return await verify(tokens["access_token"], Published())


async def _live_tokens(system: Database, user_id: UUID) -> int:
    query = text("""
        SELECT count(*) FROM refresh_tokens JOIN sessions ON sessions.id = session_id
        WHERE user_id = :user_id AND used_at IS NULL AND ended_at IS NULL
    """)
    async with system.system_transaction() as connection:
        return int((await connection.execute(query, {"user_id": user_id})).scalar_one())


async def _age(system: Database, user_id: UUID, *, seconds: int) -> None:
    """Lets the user's tokens have been used so much earlier."""
    async with system.system_transaction() as connection:
        await connection.execute(AGE, {"seconds": seconds, "user_id": user_id})


async def _is_refused(person: Person) -> bool:
    return (await person.call("GET", "/auth/me")).status_code == 401


async def _ok(person: Person) -> Json:
    answer = await person.refresh()
    found: Json = answer.json() if answer.status_code == 200 else {}
    return found
