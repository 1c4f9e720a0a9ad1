"""Hashing in threads: what it costs the event loop and what it gives away."""

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from auth.adapters.passwords import ArgonPasswords, Verdict
from auth.domain.errors import HashingBusy
from chassis.core import Err, Ok


async def test_a_password_is_right_only_for_its_own_hash() -> None:
    passwords = ArgonPasswords()
    hashed = await passwords.hash("seven owls over a quiet harbour")
    assert isinstance(hashed, Ok)
    assert hashed.value.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify("seven owls over a quiet harbour", hashed.value) == Ok(Verdict(True, None))
    assert await passwords.verify("eight owls", hashed.value) == Ok(Verdict(False, None))
    await passwords.close()


async def test_nobody_has_a_password() -> None:
    passwords = ArgonPasswords()
    assert await passwords.verify("anything", None) == Ok(Verdict(False, None))
    await passwords.close()


async def test_a_hash_with_old_parameters_is_renewed() -> None:
    passwords = ArgonPasswords()
    old = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1),)).hash("an old one")
    verdict = await passwords.verify("an old one", old)
    assert isinstance(verdict, Ok)
    assert verdict.value.right
    assert verdict.value.renewed_hash is not None
    assert await passwords.verify("an old one", verdict.value.renewed_hash) == Ok(Verdict(True, None))
    await passwords.close()


async def test_beyond_the_queue_callers_are_refused_and_those_in_it_are_served() -> None:
    passwords = ArgonPasswords(threads=1, most_waiting=3)
    results = await asyncio.gather(*(passwords.hash(f"password {number}") for number in range(10)))
    assert [isinstance(result, Ok) for result in results] == [True] * 3 + [False] * 7
    assert results[-1] == Err(HashingBusy())
    assert isinstance(await passwords.hash("later"), Ok)
    await passwords.close()


async def test_the_event_loop_goes_on_while_hashing() -> None:
    passwords = ArgonPasswords(threads=1)
    hashing = asyncio.gather(*(passwords.hash(f"password {number}") for number in range(5)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 10
    await passwords.close()
