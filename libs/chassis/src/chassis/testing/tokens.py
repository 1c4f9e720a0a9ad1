"""Access tokens for tests: any user, organisation and role, signed by a key that the tested app knows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from joserfc.jwk import OKPKey

from chassis.core import new_id
from chassis.http.tokens import Caller, mint
from contracts.permissions import Role


def signing_key(kid: str = "test-key") -> OKPKey:
    """A fresh Ed25519 key."""
    return OKPKey.generate_key("Ed25519", {"kid": kid}, private=True)


def a_caller(
    user_id: UUID | None = None,
    org_id: UUID | None = None,
    role: Role = Role.EDITOR,
    *,
    session_id: UUID | None = None,
    issued_at: datetime | None = None,
    lifetime: timedelta = timedelta(minutes=10),
) -> Caller:
    """A caller; whatever is not given is new."""
    issued = issued_at or datetime.now(UTC)
    return Caller(
        user_id=user_id or new_id(),
        org_id=org_id or new_id(),
        role=role,
        session_id=session_id or new_id(),
        token_id=new_id(),
        issued_at=issued,
        expires_at=issued + lifetime,
    )


@dataclass(frozen=True)
class TestKeys:
    """A signing key in memory: hand it to an app as its `KeySource`, and mint tokens that the app believes."""

    __test__ = False  # not a test class, whatever its name begins with

    signing: OKPKey = field(default_factory=signing_key)

    async def key(self, kid: str) -> OKPKey | None:
        return self.signing if kid == self.signing.kid else None

    def token(self, caller: Caller) -> str:
        return mint(caller, self.signing)

    def headers(self, caller: Caller) -> dict[str, str]:
        """What the caller sends with each request."""
        return {"Authorization": f"Bearer {self.token(caller)}"}
