"""Sign-up and sign-in through the wired service."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from chassis.core import new_id
from chassis.database import Database
from chassis.testing.service import RunningService
from contracts.auth.v1 import (
    MembershipGranted,
    OrganisationCreated,
    SignInFailed,
    SignInSucceeded,
    UserRegistered,
)

from ..builders import Person, an_address


async def test_who_signs_up_gets_an_organisation_and_is_its_admin(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up(organisation_name="Night Owl Touring")
    me = await ada.me()
    assert (me["email"], me["name"], me["role"]) == (ada.email, "Ada Lovelace", "admin")
    organisation = (await ada.call("GET", "/organisation")).json()
    assert me["organisation"] == {"id": organisation["id"], "name": "Night Owl Touring"}


async def test_signing_up_tells_everybody_who_needs_to_know(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    user_id, org_id = await ada.id(), await ada.org_id()
    [(registered, user)] = await auth.published(UserRegistered, lambda event: event.user_id == user_id)
    [(created, _)] = await auth.published(OrganisationCreated, lambda event: event.organisation_id == org_id)
    [(granted, membership)] = await auth.published(MembershipGranted, lambda event: event.user_id == user_id)
    assert {registered.actor, created.actor, granted.actor} == {f"user:{user_id}"}
    assert (registered.audience, registered.org_id, user.email) == ("internal", None, ada.email)
    assert (created.audience, created.org_id, created.sequence) == ("org", org_id, 1)
    assert (granted.org_id, granted.sequence, membership.role, membership.state.status) == (
        org_id,
        1,
        "admin",
        "active",
    )


async def test_signing_in_is_noted_whether_it_succeeds_or_fails(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    user_id = await ada.id()
    wrong = await Person(auth.http, ada.email, "not the password at all").login()
    assert wrong.status_code == 401
    [(_, succeeded)] = await auth.published(SignInSucceeded, lambda event: event.user_id == user_id)
    [(_, failed)] = await auth.published(SignInFailed, lambda event: event.user_id == user_id)
    assert (succeeded.user_id, failed.reason) == (user_id, "wrong-password")


async def test_a_known_address_is_answered_like_a_new_one_and_nothing_changes(
    auth: RunningService, system: Database
) -> None:
    ada = await Person(auth.http).sign_up()
    again = Person(auth.http, ada.email.upper(), "another password that is long enough")
    known, new = await again.register(), await Person(auth.http).register()
    assert (known.status_code, known.content) == (new.status_code, new.content)
    assert set(known.headers) == set(new.headers)
    assert (await again.login()).status_code == 401
    assert (await ada.login()).status_code == 200
    async with system.system_transaction() as connection:
        query = text("SELECT count(*) FROM users WHERE lower(email) = :email")
        assert (await connection.execute(query, {"email": ada.email})).scalar() == 1


async def test_two_who_sign_up_at_once_with_one_address_make_one_account(auth: RunningService) -> None:
    email = an_address()
    people = [Person(auth.http, email, f"a long password of number {number}") for number in range(4)]
    answers = await asyncio.gather(*(person.register() for person in people))
    assert {answer.status_code for answer in answers} == {202}
    signed_in = [(await person.login()).status_code for person in people]
    assert sorted(signed_in) == [200, 401, 401, 401]


async def test_unknown_address_wrong_password_and_blocked_user_look_alike(
    auth: RunningService, system: Database
) -> None:
    ada, blocked = await Person(auth.http).sign_up(), await Person(auth.http).sign_up()
    async with system.system_transaction() as connection:
        query = text("UPDATE users SET status = 'blocked' WHERE email = :email")
        await connection.execute(query, {"email": blocked.email})
    answers = [
        await Person(auth.http).login(),
        await Person(auth.http, ada.email, "not the password at all").login(),
        await blocked.login(),
    ]
    told = [_without_request_id(answer.json()) for answer in answers]
    assert told[0] == told[1] == told[2]
    assert {answer.status_code for answer in answers} == {401}
    assert told[0]["type"] == "urn:stoa:problem:sign-in-refused"
    assert len({frozenset(answer.headers) for answer in answers}) == 1


async def test_a_blocked_user_gets_no_new_token(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    async with system.system_transaction() as connection:
        query = text("UPDATE users SET status = 'blocked' WHERE email = :email")
        await connection.execute(query, {"email": ada.email})
    assert (await ada.refresh()).status_code == 401


@pytest.mark.parametrize(
    ("password", "slug"),
    [
        ("tiny owl 42", "password-too-short"),
        ("x" * 300, "password-too-long"),
        ("correct horse battery staple", "password-guessable"),
        ("Ada.Lovelace.1815", "password-guessable"),
    ],
)
async def test_a_weak_password_is_refused_with_its_rule(auth: RunningService, password: str, slug: str) -> None:
    answer = await Person(auth.http, password=password).register()
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == f"urn:stoa:problem:{slug}"
    assert [(error["pointer"], error["rule"]) for error in problem["errors"]] == [("/password", slug)]
    assert password not in answer.text


@pytest.mark.parametrize(
    "password", ["ありがとうございます、よい一日を！" * 2, "a passphrase " * 4 + "of sixty-four.", "é" * 14 + "ßx"]
)
async def test_any_character_and_long_passwords_are_accepted(auth: RunningService, password: str) -> None:
    await Person(auth.http, password=password).sign_up()


@pytest.mark.parametrize(
    "change",
    [
        {"email": "no address"},
        {"email": "ada@localhost"},
        {"email": "ada@example.com\n"},
        {"email": None},
        {"name": "   "},
        {"name": "a\u202eb"},
        {"name": ["Ada"]},
        {"role": "admin"},
        {"status": "active"},
        {"password": 123456789012345678},
        {"invitation_token": "x" * 2000},
    ],
)
async def test_hostile_input_is_refused_with_its_field(auth: RunningService, change: dict[str, Any]) -> None:
    body = {"email": an_address(), "password": "a fine and long password", "name": "Ada", **change}
    answer = await auth.http.post("/api/v1/auth/register", json=body)
    if change == {"email": "ada@example.com\n"}:  # blanks around an address are taken off
        assert answer.status_code == 202
        return
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(change))}"


@pytest.mark.parametrize("path", ["/auth/register", "/auth/login", "/auth/refresh"])
async def test_an_open_route_survives_any_body(auth: RunningService, path: str) -> None:
    for body in (b"", b"{", b"[]", b"null", b'"x"', b'{"email": {"$ne": 1}}', b"\xff\xfe", b"[" * 5000):
        answer = await auth.http.post(f"/api/v1{path}", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), body[:20]
        assert answer.headers["content-type"] == "application/problem+json"


async def test_answers_with_tokens_are_kept_by_no_cache(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    for answer in (await ada.login(), await ada.refresh(), await Person(auth.http).login()):
        assert answer.headers["cache-control"] == "no-store"


async def test_an_unknown_token_of_ours_is_refused(auth: RunningService) -> None:
    answer = await auth.http.post("/api/v1/auth/refresh", json={"refresh_token": str(new_id())})
    assert answer.json()["type"] == "urn:stoa:problem:refresh-refused"


def _without_request_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}
