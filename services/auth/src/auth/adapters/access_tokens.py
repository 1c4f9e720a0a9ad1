"""Access tokens, signed with the ring's present key."""

from datetime import datetime

from auth.adapters.signing_keys import KeyRing
from auth.application.grants import ACCESS_LIFETIME
from auth.domain.session import Session
from chassis.core import Err, Ok, Result, new_id
from chassis.http.tokens import Caller, mint
from contracts.permissions import Role


class SignedAccessTokens:
    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def sign(self, session: Session, role: Role, *, now: datetime) -> Result[str]:
        key = self._ring.signing()
        if isinstance(key, Err):
            return key
        caller = Caller(
            user_id=session.user_id,
            org_id=session.org_id,
            role=role,
            session_id=session.id,
            token_id=new_id(),
            issued_at=now,
            expires_at=now + ACCESS_LIFETIME,
        )
        return Ok(mint(caller, key.value))
