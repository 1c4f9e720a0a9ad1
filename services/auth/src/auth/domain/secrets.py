"""Bearer secrets: random values that are shown once, and stored as digests only.

Each carries its organisation in front, so that it can be looked up behind row security before anything else is known.
The ids are no secret, and a wrong one finds nothing: what counts is the digest of the whole.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from uuid import UUID

SECRET_BYTES = 32
"""256 random bits: a plain digest at rest is enough, nothing can be guessed."""


@dataclass(frozen=True)
class BearerSecret:
    """`owner_id`: the session or the invitation that it belongs to."""

    org_id: UUID
    owner_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, org_id: UUID, owner_id: UUID) -> "BearerSecret":
        return cls(org_id, owner_id, secrets.token_bytes(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "BearerSecret | None":
        """The reverse of `text`; None for anything that has not its form."""
        try:
            raw = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        if len(raw) != 32 + SECRET_BYTES:
            return None
        return cls(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])

    @property
    def text(self) -> str:
        """What the holder is given: 86 characters that are safe in a URL, without padding."""
        return base64.urlsafe_b64encode(self._raw).rstrip(b"=").decode()

    @property
    def digest(self) -> bytes:
        """SHA-256, 32 bytes: what is stored."""
        return hashlib.sha256(self._raw).digest()

    @property
    def _raw(self) -> bytes:
        return self.org_id.bytes + self.owner_id.bytes + self.secret
