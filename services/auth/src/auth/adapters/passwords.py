"""argon2id (RFC 9106) in threads, so that the event loop goes on serving."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from auth.domain.errors import HashingBusy
from chassis.core import Err, Ok, Result

TIME_COST = 2
MEMORY_KIB = 19 * 1024
"""The least of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane; some 20 ms."""
MOST_WAITING = 200
"""Beyond it, callers are refused: at 20 ms each, who waited behind these would have given up."""

T = TypeVar("T")


@dataclass(frozen=True)
class Verdict:
    """`renewed_hash`: the right password hashed anew, where the present hash has old parameters."""

    right: bool
    renewed_hash: str | None = field(repr=False)


class ArgonPasswords:
    """At most one thread per core hashes; the others wait in a bounded queue."""

    def __init__(self, *, threads: int | None = None, most_waiting: int = MOST_WAITING) -> None:
        self._hasher = PasswordHash((Argon2Hasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=1),))
        self._threads = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="argon2")
        self._nobodys_hash = self._hasher.hash(os.urandom(16).hex())
        self._most_waiting = most_waiting
        self._waiting = 0

    async def hash(self, password: str) -> Result[str]:
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def verify(self, password: str, password_hash: str | None) -> Result[Verdict]:
        return await self._in_thread(lambda: self._verify(password, password_hash))

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, password_hash: str | None) -> Verdict:
        right, renewed = self._hasher.verify_and_update(password, password_hash or self._nobodys_hash)
        return Verdict(right and password_hash is not None, renewed)

    async def _in_thread(self, work: Callable[[], T]) -> Result[T]:
        if self._waiting >= self._most_waiting:
            return Err(HashingBusy())
        self._waiting += 1
        try:
            return Ok(await asyncio.get_running_loop().run_in_executor(self._threads, work))
        finally:
            self._waiting -= 1
