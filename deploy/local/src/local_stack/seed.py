"""Development secrets: all derived from one random seed, so that nothing else has to be kept or passed on."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from local_stack.locks import locked


@dataclass(frozen=True)
class Seed:
    """Derives every password and key of one stack."""

    value: str

    @classmethod
    def kept_in(cls, folder: Path) -> "Seed":
        """The folder's seed, made at the first call (readable by its owner alone; safe under concurrent calls)."""
        path = folder / "seed"
        path.touch(mode=0o600)
        with locked(path, wait=True):
            if not path.read_text():
                path.write_text(secrets.token_hex(32))
            return cls(path.read_text())

    def password(self, owner: str) -> str:
        """48 hexadecimal digits, the same for the same owner ("kafka:chats", "postgres:chats_owner")."""
        return self._derive(owner).hex()[:48]

    def encryption_keys(self) -> str:
        """`STOA_ENCRYPTION_KEYS`: a JSON list with one base64 key of 32 bytes."""
        return json.dumps([base64.b64encode(self._derive("encryption")).decode()])

    def _derive(self, purpose: str) -> bytes:
        return hmac.new(self.value.encode(), purpose.encode(), hashlib.sha256).digest()
