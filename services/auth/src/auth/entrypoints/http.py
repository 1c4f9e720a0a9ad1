"""Routes of auth: sign-up, sign-in, sessions, keys. Those of the organisation stand beside."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from auth.application.login import Login
from auth.application.logout import Logout
from auth.application.ports import KeySet, Transaction
from auth.application.refresh import Refresh
from auth.application.register import Register
from auth.application.use_cases import UseCases
from auth.application.views import GetMe
from auth.domain.errors import (
    HashingBusy,
    InvitationInvalid,
    NoMembership,
    NoSigningKey,
    PasswordGuessable,
    PasswordTooLong,
    PasswordTooShort,
    RefreshRefused,
    SignInRefused,
)
from auth.entrypoints.open_door import OpenDoor
from auth.entrypoints.organisation_routes import organisation_routes
from auth.entrypoints.schemas import (
    KeySetBody,
    LoginBody,
    MeBody,
    RefreshBody,
    RegisterBody,
    RegisteredBody,
    TokensBody,
)
from chassis.core import Err
from chassis.http.answers import accepted, no_content, ok
from chassis.http.app import WELL_KNOWN
from chassis.http.door import Door, Doors
from chassis.http.problems import ProblemError, problems
from chassis.http.routing import Router

AuthDoor = Door[Transaction]
AuthDoors = Doors[Transaction]

KEYS_LIVE_S = 60
"""How long a copy of the key set may be used: less than a new key is published before it signs."""


def routes(use_cases: UseCases, doors: AuthDoors, keys: KeySet) -> Sequence[Router]:
    """All routes of auth."""
    router = Router(prefix="/auth", tags=["auth"])
    for add_open in (_register, _login, _refresh):
        add_open(router, use_cases)
    for add in (_logout, _me):
        add(router, use_cases, doors)
    return [router, organisation_routes(use_cases, doors), _key_routes(keys)]


def _register(router: Router, use_cases: UseCases) -> None:
    refusals = problems(PasswordTooShort, PasswordTooLong, PasswordGuessable, InvitationInvalid, HashingBusy)

    @router.post("/register", status_code=202, response_model=RegisteredBody, responses=refusals)
    async def register(body: RegisterBody, door: Annotated[OpenDoor, Depends()]) -> Response:
        """Signs up. The answer is the same for every address; tokens come from signing in."""
        command = Register(body.email, body.name, body.password, body.organisation_name, body.invitation_token)
        return await door.answer(use_cases.register, command, lambda _: accepted(RegisteredBody()))


def _login(router: Router, use_cases: UseCases) -> None:
    refusals = problems(SignInRefused, NoMembership, InvitationInvalid, HashingBusy, NoSigningKey)

    @router.post("/login", response_model=TokensBody, responses=refusals)
    async def login(body: LoginBody, door: Annotated[OpenDoor, Depends()]) -> Response:
        """Signs in. Unknown address, wrong password and blocked account are answered alike."""
        command = Login(body.email, body.password, body.invitation_token)
        return await door.answer(use_cases.login, command, lambda tokens: ok(TokensBody.of(tokens)))


def _refresh(router: Router, use_cases: UseCases) -> None:
    @router.post("/refresh", response_model=TokensBody, responses=problems(RefreshRefused, NoSigningKey))
    async def refresh(body: RefreshBody, door: Annotated[OpenDoor, Depends()]) -> Response:
        """Exchanges a refresh token for new tokens. Whoever got no answer may repeat it within 10 s; a token that is
        used again later ends the whole session, for it may have been stolen."""
        return await door.answer(
            use_cases.refresh, Refresh(body.refresh_token), lambda tokens: ok(TokensBody.of(tokens))
        )


def _logout(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    @router.post("/logout", status_code=204)
    async def logout(door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """Ends your session: its tokens are refused everywhere within 2 s, its open streams end."""
        return await door.write(use_cases.logout, Logout(door.caller.session_id), lambda _: no_content())


def _me(router: Router, use_cases: UseCases, doors: AuthDoors) -> None:
    @router.get("/me", response_model=MeBody, responses=problems(NoMembership))
    async def me(door: Annotated[AuthDoor, Depends(doors)]) -> Response:
        """Who you are, with your present role."""
        return await door.read(use_cases.get_me, GetMe(), lambda found: ok(MeBody.of(found)))


def _key_routes(keys: KeySet) -> Router:
    router = Router(prefix=WELL_KNOWN, tags=["auth"])

    @router.get("/jwks.json", response_model=KeySetBody, responses=problems(NoSigningKey))
    async def key_set(response: Response) -> KeySetBody:
        """The public keys that access tokens are verified with, as a JSON Web Key Set (RFC 7517)."""
        found = keys.published()
        if isinstance(found, Err):
            raise ProblemError(found.failure)
        response.headers["Cache-Control"] = f"public, max-age={KEYS_LIVE_S}"
        return KeySetBody.model_validate({"keys": found.value})

    return router
