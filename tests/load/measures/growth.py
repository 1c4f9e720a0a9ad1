"""P19: what requests cost in a system with little in it, and in the same one with a lot."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import asyncpg

from ..bench import Bench
from ..client import Client, request
from ..figures import Figure, at_most_times
from ..pace import closed_loop
from ..turns import Sample
from .delivery import a_chat

_FEW, _MANY = 1_000, 1_000_000
_ORGANISATIONS = 10_000
_MESSAGES = 100_000
_SECONDS = 1.0

_MODULES = """
INSERT INTO modules
    (id, org_id, kind, owner_id, name, status, data, deleted, created_at, changed_at, revision, sequence)
SELECT gen_random_uuid(), {org}, 'document', $2::uuid, 'Stage plan ' || n, 'draft',
    jsonb_build_object('title', 'Stage plan ' || n, 'body', repeat('x', 200), 'tags', '[]'::jsonb),
    false, now(), now(), 1, 1
FROM generate_series(1, $3::int) AS n WHERE $1::uuid IS NOT NULL
"""
_OWN = "$1::uuid"
_OTHERS = f"md5('org' || n % {_ORGANISATIONS})::uuid"
"""As many organisations as there are digests."""

_TALK = """
INSERT INTO messages (id, chat_id, org_id, number, author_kind, author_id, text, run_id, sent_at)
SELECT gen_random_uuid(), $1::uuid, $2::uuid, n, 'user', $3::uuid, 'the quick brown fox ' || n, NULL, now()
FROM generate_series((SELECT last_number + 1 FROM chats WHERE id = $1::uuid), $4::int) AS n
"""
_TALKED = "UPDATE chats SET last_number = $2::int, revision = $2::int WHERE id = $1::uuid"
_SENT = """
INSERT INTO outbox (topic, key, sequence, headers, value, created_at, sent_at)
SELECT 'modules-modules', 'old-' || n, 1, '[]', repeat('x', 600)::bytea, now(), now()
FROM generate_series(1, $1::int) AS n
"""
_APPLIED = """
INSERT INTO inbox (consumer, topic, key, sequence)
SELECT 'modules.memberships', 'auth-memberships', 'old-' || n, 1 FROM generate_series(1, $1::int) AS n
"""


async def measure(bench: Bench) -> list[Figure]:
    """The same requests before and after, one client, at the services; the median latency."""
    world = _World(bench)
    await asyncio.to_thread(world.begin)
    await world.fill_modules(_OWN, _FEW)
    await world.talk(_FEW)
    await world.rest()
    few = [await world.requests() for _ in range(bench.repeats + 1)][1:]
    bench.say(f"P19: measured with {_FEW:,} modules and messages")
    await world.fill_modules(_OWN, _MANY // 2)
    await world.fill_modules(_OTHERS, _MANY // 2)
    await world.talk(_MESSAGES)
    await world.history(_MANY)
    await world.rest()
    bench.say(f"P19: filled with {_MANY:,} modules of {_ORGANISATIONS:,} organisations")
    many = [await world.requests() for _ in range(bench.repeats + 1)][1:]
    against = f"{_FEW:,} modules, a chat of {_FEW:,} messages"
    return [
        Figure("P19", name, "ms", [one[name] for one in many], [one[name] for one in few], against, at_most_times(1.5))
        for name in few[0]
    ]


class _World:
    """One organisation among many, and one chat in it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def begin(self) -> None:
        founder = self._bench.organisation.founder
        data = {"kind": "document", "data": {"title": "Stage plan"}}
        self._module = founder.call("POST", "/api/v1/modules", 201, json=data)["id"]
        self._messages = a_chat(self._bench.organisation)
        self._chat = self._messages.split("/")[-2]

    async def requests(self) -> Sample:
        """The median milliseconds of each sort."""
        token, body = self._bench.token, {"kind": "document", "data": {"title": "Stage plan"}}
        modules, chats = self._bench.stack.urls["modules"], self._bench.stack.urls["chats"]
        asked: Mapping[str, tuple[str, bytes]] = {
            "get a module": (modules, request("GET", f"/api/v1/modules/{self._module}", token)),
            "list modules, newest": (modules, request("GET", "/api/v1/modules?limit=20", token)),
            "list modules of a kind": (modules, request("GET", "/api/v1/modules?kind=document&limit=20", token)),
            "create a module": (modules, request("POST", "/api/v1/modules", token, body)),
            "newest messages of a chat": (chats, request("GET", f"{self._messages}?limit=20", token)),
            "send a message": (chats, request("POST", self._messages, token, {"text": "the quick brown fox"})),
        }
        return {name: await _median(url, content) for name, (url, content) in asked.items()}

    async def fill_modules(self, org: str, count: int) -> None:
        values = (self._bench.organisation.id, self._bench.organisation.founder.id, count)
        await self._execute("modules", (_MODULES.format(org=org), *values))

    async def talk(self, messages: int) -> None:
        """Until the chat has so many."""
        values = (UUID(self._chat), self._bench.organisation.id, self._bench.organisation.founder.id, messages)
        talked = (_TALKED, UUID(self._chat), messages)
        await self._execute("chats", (_TALK, *values), talked)

    async def history(self, rows: int) -> None:
        """What was sent and applied in the last days."""
        await self._execute("modules", (_SENT, rows), (_APPLIED, rows))

    async def rest(self) -> None:
        """What a database that has grown by and by has behind it: else its autovacuum and its next checkpoint would be
        measured."""
        for database in ("modules", "chats"):
            await self._execute(database, ("VACUUM ANALYZE",), ("CHECKPOINT",))

    async def _execute(self, database: str, *statements: tuple[object, ...]) -> None:
        connection = await asyncpg.connect(self._bench.admin_dsn(database))
        for statement, *values in statements:
            await connection.execute(statement, *values, timeout=300)
        await connection.close()


async def _median(url: str, content: bytes) -> float:
    async with Client(url) as client:
        load = await closed_loop(1, _SECONDS, lambda _: client.succeeds(content))
    if load.failed:
        raise RuntimeError(f"{load.failed} requests failed: {content[:80]!r}")
    return load.ms(0.5)
