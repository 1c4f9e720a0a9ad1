"""Encryption at rest: AES-256-GCM (NIST SP 800-38D) with the keys of the settings."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_TAG_BYTES = 16


class CannotOpen(Exception):
    """No key of STOA_ENCRYPTION_KEYS opens this, or it was altered, or belongs to another context."""


class AesGcmSeal:
    """Seals with the newest key and opens with any of them, so that keys can be exchanged without a pause.

    `keys`: 32 bytes each, newest first. The context is authenticated and not stored.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises CannotOpen."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        if len(text) < _TAG_BYTES:
            raise CannotOpen
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, text, context)
            except InvalidTag:
                continue
        raise CannotOpen
