"""Members and invitations of an organisation."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.core import membership_id, new_id
from chassis.database import Database
from chassis.testing.service import RunningService
from chassis.testing.waiting import eventually
from contracts.auth.v1 import AccessRevoked, MembershipChanged, MembershipGranted, MembershipRevoked

from ..builders import Json, Person, an_address


async def test_who_is_invited_joins_with_that_role(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member("viewer")
    me = await grace.me()
    assert (me["organisation"]["id"], me["role"]) == (str(await ada.org_id()), "viewer")
    members = await _all(ada, "/organisation/members", limit=1)
    assert [(member["email"], member["role"]) for member in members] == [(ada.email, "admin"), (grace.email, "viewer")]
    [invitation] = await _all(ada, "/organisation/invitations")
    assert (invitation["status"], invitation["email"]) == ("accepted", grace.email)
    assert "token" not in invitation


async def test_an_invitation_is_good_once_for_its_address_and_a_week(auth: RunningService, system: Database) -> None:
    ada = await Person(auth.http).sign_up()
    grace = Person(auth.http)
    token = (await ada.invite(grace.email))["token"]
    other = await Person(auth.http).register(invitation_token=token)
    assert (other.status_code, other.json()["errors"][0]["rule"]) == (422, "invitation-invalid")
    await grace.sign_up(invitation_token=token)
    assert (await Person(auth.http).register(invitation_token=token)).status_code == 422
    late = Person(auth.http)
    token = (await ada.invite(late.email))["token"]
    async with system.system_transaction() as connection:
        expired = text("UPDATE invitations SET expires_at = now() WHERE email = :email")
        await connection.execute(expired, {"email": late.email})
    assert (await late.register(invitation_token=token)).status_code == 422


async def test_a_bad_invitation_is_refused_alike_for_known_and_unknown_addresses(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    for token in ("nonsense", "A" * 86, ""):
        known, unknown = (
            await ada.register(invitation_token=token),
            await Person(auth.http).register(invitation_token=token),
        )
        assert known.status_code == unknown.status_code == 422
        assert known.json()["errors"] == unknown.json()["errors"]


async def test_signing_up_again_with_an_accepted_invitation_is_answered_as_before(auth: RunningService) -> None:
    ada, grace = await Person(auth.http).sign_up(), Person(auth.http)
    token = (await ada.invite(grace.email))["token"]
    assert (await grace.register(invitation_token=token)).status_code == 202
    assert (await grace.register(invitation_token=token)).status_code == 202


async def test_a_new_invitation_for_an_address_takes_the_place_of_the_old_one(auth: RunningService) -> None:
    ada, grace = await Person(auth.http).sign_up(), Person(auth.http)
    old = (await ada.invite(grace.email, "viewer"))["token"]
    new = (await ada.invite(grace.email, "editor"))["token"]
    assert (await grace.register(invitation_token=old)).status_code == 422
    assert (await (await grace.sign_up(invitation_token=new)).me())["role"] == "editor"


async def test_invitations_made_at_once_for_one_address_leave_one_open(auth: RunningService) -> None:
    ada, email = await Person(auth.http).sign_up(), an_address()
    await asyncio.gather(*(ada.invite(email) for _ in range(5)))
    statuses = [invitation["status"] for invitation in await _all(ada, "/organisation/invitations")]
    assert sorted(statuses) == ["open", "revoked", "revoked", "revoked", "revoked"]


async def test_a_repeated_invitation_with_its_key_has_one_effect_and_tells_no_token_again(
    auth: RunningService, system: Database
) -> None:
    ada = await Person(auth.http).sign_up()
    body, headers = {"email": an_address(), "role": "editor"}, {"Idempotency-Key": f"key-{new_id()}"}
    first, again = [await ada.call("POST", "/organisation/invitations", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "token": None}
    assert len(await _all(ada, "/organisation/invitations")) == 1


async def test_a_revoked_invitation_is_good_for_nothing(auth: RunningService) -> None:
    ada, grace = await Person(auth.http).sign_up(), Person(auth.http)
    invited = await ada.invite(grace.email)
    path = f"/organisation/invitations/{invited['id']}"
    assert (await ada.call("DELETE", path)).status_code == 428
    assert (await ada.call("DELETE", path, if_match=2)).status_code == 412
    assert (await ada.call("DELETE", path, if_match=1)).status_code == 204
    assert (await ada.call("DELETE", path, if_match=1)).status_code == 404
    assert (await grace.register(invitation_token=invited["token"])).status_code == 422


async def test_a_member_cannot_be_invited_again(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member()
    answer = await ada.call("POST", "/organisation/invitations", json={"email": grace.email, "role": "admin"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:already-a-member")


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_only_admins_deal_with_invitations_and_other_members(auth: RunningService, role: str) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member(role)
    invited = await ada.invite(an_address())
    member = f"/organisation/members/{await ada.id()}"
    answers = [
        await grace.call("POST", "/organisation/invitations", json={"email": an_address(), "role": "viewer"}),
        await grace.call("GET", "/organisation/invitations"),
        await grace.call("DELETE", f"/organisation/invitations/{invited['id']}", if_match=1),
        await grace.call("PATCH", member, if_match=1, json={"role": "viewer"}),
        await grace.call("DELETE", member, if_match=1),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert (await grace.call("GET", "/organisation/members")).status_code == 200


async def test_nobody_reaches_another_organisation(auth: RunningService) -> None:
    ada, mallory = await Person(auth.http).sign_up(), await Person(auth.http).sign_up()
    invited, member = await ada.invite(an_address()), f"/organisation/members/{await ada.id()}"
    answers = [
        await mallory.call("GET", member),
        await mallory.call("PATCH", member, if_match=1, json={"role": "viewer"}),
        await mallory.call("DELETE", member, if_match=1),
        await mallory.call("DELETE", f"/organisation/invitations/{invited['id']}", if_match=1),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert [item["email"] for item in await _all(mallory, "/organisation/members")] == [mallory.email]
    assert await _all(mallory, "/organisation/invitations") == []


async def test_a_lowered_role_voids_the_old_token_and_the_next_one_has_the_new_role(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member("admin")
    user_id, org_id = await grace.id(), await grace.org_id()
    path = f"/organisation/members/{user_id}"
    etag = (await ada.call("GET", path)).headers["etag"]
    lowered = await ada.call("PATCH", path, json={"role": "viewer"}, headers={"If-Match": etag})
    assert (lowered.status_code, lowered.json()["role"], lowered.headers["etag"]) == (200, "viewer", '"2"')
    await eventually(lambda: _is_refused(grace), within=2)
    [(_, revoked)] = await auth.published(AccessRevoked, lambda event: event.subject == user_id)
    assert (revoked.organisation, revoked.reason) == (org_id, "role-lowered")
    [(changed, event)] = await auth.published(MembershipChanged, lambda event: event.user_id == user_id)
    assert (changed.sequence, event.previous_role, event.role, event.state.role) == (2, "admin", "viewer", "viewer")
    grace.tokens = (await grace.refresh()).json()
    assert (await grace.me())["role"] == "viewer"
    body = {"email": an_address(), "role": "viewer"}
    assert (await grace.call("POST", "/organisation/invitations", json=body)).status_code == 403


async def test_a_raised_role_voids_nothing_and_comes_with_the_next_token(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member("viewer")
    path = f"/organisation/members/{await grace.id()}"
    assert (await ada.call("PATCH", path, if_match=1, json={"role": "admin"})).status_code == 200
    assert (await grace.call("GET", "/organisation/invitations")).status_code == 403
    grace.tokens = (await grace.refresh()).json()
    assert (await grace.call("GET", "/organisation/invitations")).status_code == 200


async def test_a_change_without_or_with_a_stale_etag_is_refused(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member("viewer")
    path = f"/organisation/members/{await grace.id()}"
    assert (await ada.call("PATCH", path, json={"role": "editor"})).status_code == 428
    assert (await ada.call("PATCH", path, if_match=7, json={"role": "editor"})).status_code == 412
    assert (await ada.call("DELETE", path)).status_code == 428
    assert (await ada.call("DELETE", path, if_match=7)).status_code == 412
    assert (await ada.call("PATCH", path, if_match=1, json={"role": "viewer"})).headers["etag"] == '"1"'
    assert (await ada.call("PATCH", path, if_match=1, json={"role": "super_admin"})).status_code == 422


async def test_a_removed_member_is_out_at_once(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member()
    user_id = await grace.id()
    path = f"/organisation/members/{user_id}"
    assert (await ada.call("DELETE", path, if_match=1)).status_code == 204
    assert (await grace.refresh()).status_code == 401
    assert (await grace.login()).json()["type"] == "urn:stoa:problem:no-membership"
    assert (await ada.call("GET", path)).status_code == 404
    await eventually(lambda: _is_refused(grace), within=2)
    [(_, revoked)] = await auth.published(MembershipRevoked, lambda event: event.user_id == user_id)
    assert revoked.state.status == "revoked"


async def test_a_member_leaves_by_their_own_hand(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member("viewer")
    left = await grace.call("DELETE", f"/organisation/members/{await grace.id()}", if_match=1)
    assert left.status_code == 204
    assert [member["email"] for member in await _all(ada, "/organisation/members")] == [ada.email]


async def test_who_comes_back_continues_the_membership_and_no_old_session(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member("editor")
    user_id, org_id, old = await grace.id(), await grace.org_id(), grace.tokens["refresh_token"]
    await ada.call("DELETE", f"/organisation/members/{user_id}", if_match=1)
    token = (await ada.invite(grace.email, "viewer"))["token"]
    await grace.sign_in(invitation_token=token)
    assert (await grace.me())["role"] == "viewer"
    granted = await auth.published(MembershipGranted, lambda event: event.user_id == user_id, count=2)
    assert [(envelope.sequence, event.role) for envelope, event in granted] == [(1, "editor"), (3, "viewer")]
    assert {event.membership_id for _, event in granted} == {membership_id(org_id, user_id)}
    assert (await grace.refresh(old)).status_code == 401
    assert (await grace.login(invitation_token=token)).status_code == 200


async def test_somebody_with_an_account_joins_another_organisation_by_signing_in(auth: RunningService) -> None:
    ada, grace = await Person(auth.http).sign_up(), await Person(auth.http).sign_up()
    token = (await ada.invite(grace.email))["token"]
    assert (await grace.register(invitation_token=token)).status_code == 202
    assert await grace.org_id() != await ada.org_id()
    assert (await Person(auth.http, grace.email, "not the password at all").login(invitation_token=token)).json()[
        "type"
    ] == "urn:stoa:problem:sign-in-refused"
    await grace.sign_in(invitation_token=token)
    assert await grace.org_id() == await ada.org_id()
    assert (await ada.login(invitation_token=token)).status_code == 422


async def test_the_last_admin_stays(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    await ada.with_member("editor")
    path = f"/organisation/members/{await ada.id()}"
    lowered = await ada.call("PATCH", path, if_match=1, json={"role": "editor"})
    left = await ada.call("DELETE", path, if_match=1)
    assert [(answer.status_code, answer.json()["type"]) for answer in (lowered, left)] == [
        (409, "urn:stoa:problem:last-admin")
    ] * 2
    assert (await ada.refresh()).status_code == 200


async def test_two_admins_who_leave_at_once_do_not_both_succeed(auth: RunningService, system: Database) -> None:
    for _ in range(5):
        ada = await Person(auth.http).sign_up()
        grace = await ada.with_member("admin")
        paths = [f"/organisation/members/{await person.id()}" for person in (ada, grace)]
        org_id = await ada.org_id()
        answers = await asyncio.gather(
            ada.call("DELETE", paths[0], if_match=1), grace.call("DELETE", paths[1], if_match=1)
        )
        assert sorted(answer.status_code for answer in answers) == [204, 409]
        assert await _admins(system, org_id) == 1


async def test_refreshes_and_removals_at_once_neither_hang_nor_leave_access(auth: RunningService) -> None:
    ada = await Person(auth.http).sign_up()
    grace = await ada.with_member("editor")
    path = f"/organisation/members/{await grace.id()}"
    *refreshes, removed = await asyncio.gather(
        *(grace.refresh() for _ in range(20)), ada.call("DELETE", path, if_match=1)
    )
    assert removed.status_code == 204
    assert {answer.status_code for answer in refreshes} <= {200, 401}
    grace.tokens = next((answer.json() for answer in refreshes if answer.status_code == 200), grace.tokens)
    await eventually(lambda: _is_refused(grace), within=2)
    assert (await grace.refresh()).status_code == 401


async def _all(person: Person, path: str, limit: int = 50) -> list[Json]:
    """Every item of a list, page by page."""
    found: list[Json] = []
    cursor = ""
    while True:
        query = {"limit": limit, "cursor": cursor} if cursor else {"limit": limit}
        page = (await person.call("GET", path, params=query)).json()
        found += page["items"]
        cursor = page["next_cursor"] or ""
        if not cursor:
            return found


async def _admins(system: Database, org_id: UUID) -> int:
    query = text("SELECT count(*) FROM organisation_members WHERE org_id = :id AND active AND role = 'admin'")
    async with system.system_transaction() as connection:
        return int((await connection.execute(query, {"id": org_id})).scalar_one())


async def _is_refused(person: Person) -> bool:
    return (await person.call("GET", "/auth/me")).status_code == 401
