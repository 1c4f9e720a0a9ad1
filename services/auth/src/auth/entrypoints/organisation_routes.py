"""Routes of the caller's organisation: members and invitations."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from auth.application.change_role import ChangeRole
from auth.application.invite import Invite, Invited
from auth.application.ports import Transaction
from auth.application.remove_member import RemoveMember
from auth.application.revoke_invitation import RevokeInvitation
from auth.application.use_cases import UseCases
from auth.application.views import GetMember, GetOrganisation, ListInvitations, ListMembers, MemberView
from auth.domain.errors import (
    AlreadyAMember,
    InvitationNotFound,
    LastAdmin,
    MayNotChangeMembers,
    MayNotInvite,
    MemberNotFound,
    NoMembership,
)
from auth.domain.membership import MemberRole
from auth.entrypoints.schemas import (
    ChangeMemberBody,
    InvitationBody,
    InviteBody,
    InvitedBody,
    MemberBody,
    OrganisationBody,
)
from chassis.core import StaleRevision
from chassis.http.answers import Answer, created, no_content, ok
from chassis.http.door import Door, Doors
from chassis.http.failures import IfMatchMalformed, IfMatchRequired
from chassis.http.pages import ListQuery, Paged
from chassis.http.problems import problems
from chassis.http.routing import Router

AuthDoor = Door[Transaction]
AuthDoors = Doors[Transaction]

BY_SIGN_UP = "by-sign-up"
NEWEST_FIRST = "newest-first"
CHANGES = (StaleRevision, IfMatchRequired, IfMatchMalformed)


def organisation_routes(use_cases: UseCases, doors: AuthDoors) -> Router:
    """All routes under `/organisation`."""
    router = Router(prefix="/organisation", tags=["organisation"])
    for add in (
        _get_organisation,
        _list_members,
        _get_member,
        _change_member,
        _remove_member,
        _invite,
        _list_invitations,
        _revoke_invitation,
    ):
        add(router, use_cases, doors)
    return router


def _get_organisation(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    @router.get("", response_model=OrganisationBody, responses=problems(NoMembership))
    async def get_organisation(door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """Your organisation."""
        return await door.read(
            use_cases.get_organisation,
            GetOrganisation(),
            lambda found: ok(OrganisationBody.of(found), etag=found.revision),
        )


def _list_members(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    @router.get("/members", response_model=Paged[MemberBody])
    async def list_members(query: Annotated[ListQuery, Query()], door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """The members of your organisation, in order of their sign-up."""
        page = door.page(query, sort=BY_SIGN_UP)
        return await door.read(
            use_cases.list_members, ListMembers(page), lambda found: door.listed(found, MemberBody.of, sort=BY_SIGN_UP)
        )


def _get_member(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    @router.get("/members/{user_id}", response_model=MemberBody, responses=problems(MemberNotFound))
    async def get_member(user_id: UUID, door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """One member of your organisation."""
        return await door.read(use_cases.get_member, GetMember(user_id), _shown)


def _change_member(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    refusals = problems(MemberNotFound, MayNotChangeMembers, LastAdmin, *CHANGES)

    @router.patch("/members/{user_id}", response_model=MemberBody, responses=refusals)
    async def change_member(
        user_id: UUID, body: ChangeMemberBody, door: Annotated[AuthDoor, Depends(doors)]
    ) -> Response:
        """Gives a member another role. A lower one holds everywhere within 2 s. Only admins may do it."""
        command = ChangeRole(user_id, MemberRole(body.role), door.expected_revision())
        return await door.write(use_cases.change_role, command, _shown)


def _remove_member(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    refusals = problems(MemberNotFound, MayNotChangeMembers, LastAdmin, *CHANGES)

    @router.delete("/members/{user_id}", status_code=204, responses=refusals)
    async def remove_member(user_id: UUID, door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """Removes a member, which only admins may do, or leaves the organisation, which everybody may. The member's
        tokens are refused everywhere within 2 s."""
        command = RemoveMember(user_id, door.expected_revision())
        return await door.write(use_cases.remove_member, command, lambda _: no_content())


def _invite(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    refusals = problems(MayNotInvite, AlreadyAMember)

    @router.post("/invitations", status_code=201, response_model=InvitedBody, responses=refusals)
    async def invite(body: InviteBody, door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """Invites somebody for a week. The answer tells the token, once: hand it over. Inviting the same address again
        makes a new token and voids the old one. Only admins may do it."""
        return await door.write(use_cases.invite, Invite(body.email, MemberRole(body.role)), _told_once)


def _list_invitations(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    @router.get("/invitations", response_model=Paged[InvitationBody], responses=problems(MayNotInvite))
    async def list_invitations(
        query: Annotated[ListQuery, Query()], door: Annotated[AuthDoor, Depends(doors)]
    ) -> Response:
        """All invitations, the newest first. Only admins may see them."""
        page = door.page(query, sort=NEWEST_FIRST)
        return await door.read(
            use_cases.list_invitations,
            ListInvitations(page),
            lambda found: door.listed(found, InvitationBody.of, sort=NEWEST_FIRST),
        )


def _revoke_invitation(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    refusals = problems(InvitationNotFound, MayNotInvite, *CHANGES)

    @router.delete("/invitations/{invitation_id}", status_code=204, responses=refusals)
    async def revoke_invitation(invitation_id: UUID, door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """Takes back an open invitation. Only admins may do it."""
        command = RevokeInvitation(invitation_id, door.expected_revision())
        return await door.write(use_cases.revoke_invitation, command, lambda _: no_content())


def _shown(member: MemberView) -> Answer:
    return ok(MemberBody.of(member), etag=member.revision)


def _told_once(invited: Invited) -> Answer:
    return created(
        InvitedBody.telling(invited),
        at="/api/v1/organisation/invitations",
        etag=invited.invitation.revision,
        stored=InvitedBody.silent(invited),
    )
