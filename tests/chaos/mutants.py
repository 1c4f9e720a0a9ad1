"""Bugs planted on purpose, each in a copy of one package that only the harmed system runs: the checker must find each.

A run with a planted bug that finds nothing is a failure of the checker, or of the faults.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_stack.paths import REPOSITORY

CHASSIS = "libs/chassis/src/chassis"
CHATS = "services/chats/src/chats"
AGENT = "services/agent/src/agent"
GATEWAY = "gateway/src/gateway"

MOST_RUNS = 3


class NoSuchCode(AssertionError):
    """The code that a mutant changes is not there: the mutant has to follow it."""


@dataclass(frozen=True)
class Mutant:
    """In `file` of `package`, `old` becomes `new`. `faults` bring it to light, within `minutes`; where only some orders
    of theirs do, `seeds` names them."""

    name: str
    package: str
    file: str
    old: str
    new: str
    faults: tuple[str, ...]
    crash_point: str = "relay.acked"
    minutes: float = 1.0
    seeds: tuple[int, ...] = ()

    def seeds_from(self, first: int) -> Iterable[int]:
        """For one run after the other, until one finds it: what needs two things at the same moment is met in most,
        not in all runs."""
        return self.seeds or range(first, first + MOST_RUNS)

    @property
    def original(self) -> Path:
        """The folder of the package."""
        return REPOSITORY / self.package

    def mutated(self) -> str:
        """The changed file. Raises NoSuchCode."""
        text = (self.original / self.file).read_text()
        if text.count(self.old) != 1:
            raise NoSuchCode(f"{self.name}: {self.package}/{self.file} has its code {text.count(self.old)} times")
        return text.replace(self.old, self.new)


MUTANTS = (
    Mutant(
        "the outbox leaves in a transaction of its own, before the commit",
        CHASSIS,
        "use_case.py",
        "                await work.effects.write(connection, self.outbox)\n",
        "                async with self.database.transaction(scope) as own:\n"
        "                    await work.effects.write(own, self.outbox)\n",
        ("crash", "backends"),
        "command.outbox",
    ),
    Mutant(
        "the offset is done before the handler",
        CHASSIS,
        "kafka/subscriber.py",
        "            together = await self._apply(",
        "            offsets.done(batch, assignment)\n"
        "            await offsets.commit()\n"
        "            together = await self._apply(",
        ("crash", "kill"),
        "consumer.inbox",
    ),
    Mutant(
        "the relay remembers the last id instead of what was sent",
        CHASSIS,
        "outbox/relay.py",
        "WHERE sent_at IS NULL AND NOT EXISTS (",
        "WHERE sent_at IS NULL AND id > (SELECT coalesce(max(id), 0) FROM outbox WHERE sent_at IS NOT NULL)"
        " AND NOT EXISTS (",
        ("slow-disk",),
    ),
    Mutant(
        "the inbox takes an event again",
        CHASSIS,
        "inbox.py",
        "AND i.sequence = span.first - 1\n",
        "AND i.sequence >= span.first - 1\n",
        ("repeat", "rewind"),
    ),
    Mutant(
        "the inbox moves in a transaction of its own",
        CHASSIS,
        "kafka/applier.py",
        "        raw = await driver(connection)\n        inbox = self._dispatch.inbox\n        ids =",
        "        async with self.database.transaction(scope_of(arrivals)) as own:\n"
        "            return await self._take_in(own, arrivals, spans)\n\n"
        "    async def _take_in(self, connection: AsyncConnection, arrivals: Sequence[Arrival], spans: Sequence[Span])"
        " -> bool:\n"
        "        raw = await driver(connection)\n        inbox = self._dispatch.inbox\n        ids =",
        ("crash", "kill"),
        "consumer.written",
    ),
    Mutant(
        "a refusal is rolled back with its reply",
        CHASSIS,
        "kafka/dispatch.py",
        "            await self.refuse(connection, arrival, outcome.failure, effects)\n",
        "            await connection.rollback()\n",
        ("kill",),
    ),
    Mutant(
        "two consumers have one group",
        CHASSIS,
        "kafka/subscriber.py",
        "            group_id=self._kafka.namespace + self.name,\n",
        '            group_id=self._kafka.namespace + self.name.replace("agent.chats", "agent.messages"),\n',
        ("kill",),
    ),
    Mutant(
        "the relay marks before the acknowledgement",
        CHASSIS,
        "outbox/relay.py",
        '        crash_point("relay.sent")\n',
        "        await connection.execute(_MARK, [row['id'] for row in rows])\n        crash_point(\"relay.sent\")\n",
        ("in-flight",),
    ),
    Mutant(
        "a journal is written without a look at the lease's epoch",
        AGENT,
        "adapters/journals.py",
        "WHERE run_id = $2 AND epoch = $3 AND",
        "WHERE run_id = $2 AND $3::bigint IS NOT NULL AND",
        ("storm",),
        minutes=2.0,
        seeds=(2040, 2084, 2221),  # the agent is the one that is taken over, again and again
    ),
    Mutant(
        "the cursor of a resumed stream is off by one",
        GATEWAY,
        "feed/events.py",
        "entries = recent.after(offset, _AT_ONCE)",
        "entries = recent.after(offset + 1, _AT_ONCE)",
        ("kill",),
    ),
    Mutant(
        "a batch that was broken off counts as done",
        CHASSIS,
        "kafka/subscriber.py",
        "            together = await self._apply([self._arrival(record) for record in batch],"
        " catching_up=catching_up)\n"
        "            offsets.done(batch, assignment)\n",
        "            offsets.done(batch, assignment)\n"
        "            together = await self._apply([self._arrival(record) for record in batch],"
        " catching_up=catching_up)\n",
        ("broken-off",),
        minutes=2.0,
    ),
    Mutant(
        "parked events are tried again in any order",
        CHASSIS,
        "dead_letters.py",
        '(SELECT id FROM dead_letters WHERE {_OF_KEY} ORDER BY sequence NULLS LAST, id LIMIT 1))\n"""',
        '(SELECT id FROM dead_letters WHERE {_OF_KEY} ORDER BY sequence DESC NULLS LAST, id LIMIT 1))\n"""',
        ("disorder",),
    ),
    Mutant(
        "a parked event is applied without a look at the inbox",
        CHASSIS,
        "kafka/retrier.py",
        "        return await inbox.advance(raw, arrival.topic, arrival.key, arrival.sequence)\n",
        "        return True\n",
        ("disorder",),
    ),
    Mutant(
        "an idempotency key is not unique",
        CHASSIS,
        "http/idempotency.py",
        '"route": self.route, "key": self.key}',
        '"route": self.route, "key": f"{self.key} {id(self)}"}',
        ("kill",),
    ),
    Mutant(
        "a header is dropped on the way",
        CHASSIS,
        "outbox/sending.py",
        'orjson.loads(row["headers"])]',
        'orjson.loads(row["headers"]) if name != "traceparent"]',
        ("kill",),
    ),
    Mutant(
        "the second page of a list begins one too late",
        CHATS,
        "adapters/chat_views.py",
        "number > $2 ",
        "number > $2 + 1 ",
        ("kill",),
    ),
)


@contextmanager
def planted(mutant: Mutant, folder: Path) -> Iterator[None]:
    """What is started in the block runs the mutant in place of its package."""
    overlay = folder / mutant.original.name
    shutil.rmtree(overlay, ignore_errors=True)
    shutil.copytree(mutant.original, overlay, ignore=shutil.ignore_patterns("__pycache__"))
    migrations = mutant.original.parents[1] / "migrations"
    if migrations.is_dir():  # a service looks for them inside its package first, as where it is installed
        shutil.copytree(migrations, overlay / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (overlay / mutant.file).write_text(mutant.mutated())
    os.environ["PYTHONPATH"] = str(folder)
    try:
        yield
    finally:
        del os.environ["PYTHONPATH"]
