"""Dead letters for a person: what is parked and why, another try for it, or its end.

A redrive makes the first event of a key due at once, with a fresh span and fresh tries; the running service then
applies it, and what waits behind it follows in order. It is applied once, however often it is redriven. A discard takes
one event for applied that never was: only the next of its key, so that order stays. A command is answered at its
deadline, by itself, and takes neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.core import Err, Ok, Result
from chassis.dead_letters import RETRY_SPAN, DeadLetters
from chassis.inbox import Inbox
from chassis.operations.dead_letters_failures import CommandIsAnswered, NoDeadLetter, NotItsTurn
from chassis.paging import Listed, Page

# Each condition counts only where its parameter is given.
_CHOSEN = """
($1::bigint IS NULL OR w.id = $1) AND ($2::text IS NULL OR w.consumer = $2)
    AND ($3::text IS NULL OR w.topic = $3) AND ($4::text IS NULL OR w.key = $4)
"""
_LETTER = """
w.id, w.consumer, w.topic, w.key, w.event_id, w.sequence, w.kind,
w.kafka_partition || '/' || w.kafka_offset AS position, w.error, w.attempts, w.retry_at, w.deadline, w.parked_at,
nullif((SELECT f.id FROM dead_letters AS f WHERE (f.consumer, f.topic, f.key) = (w.consumer, w.topic, w.key)
    ORDER BY f.sequence NULLS LAST, f.id LIMIT 1), w.id) AS behind
"""
_LIST = f"""
SELECT {_LETTER} FROM dead_letters AS w WHERE {_CHOSEN} AND w.id > $5 ORDER BY w.id LIMIT $6
"""  # noqa: S608  made of constants
_ONE = f"SELECT {_LETTER} FROM dead_letters AS w WHERE w.id = $1"  # noqa: S608  made of constants
_CONTENT = "SELECT headers, value FROM dead_letters WHERE id = $1"
_HELD = """
SELECT h.id, count(*) OVER () AS held FROM dead_letters AS h JOIN dead_letters AS w USING (consumer, topic, key)
WHERE w.id = $1 AND
    (h.sequence IS NULL, coalesce(h.sequence, 0), h.id) > (w.sequence IS NULL, coalesce(w.sequence, 0), w.id)
ORDER BY h.sequence NULLS LAST, h.id LIMIT 100
"""
_LOCK = f"""
SELECT FROM parked_keys AS p WHERE EXISTS (
    SELECT FROM dead_letters AS w WHERE (w.consumer, w.topic, w.key) = (p.consumer, p.topic, p.key) AND {_CHOSEN})
ORDER BY consumer, topic, key FOR UPDATE
"""  # noqa: S608  made of constants
_REDRIVE = f"""
WITH heads AS (
    SELECT DISTINCT ON (d.consumer, d.topic, d.key) d.id, d.deadline FROM dead_letters AS d
    WHERE EXISTS (
        SELECT FROM dead_letters AS w WHERE (w.consumer, w.topic, w.key) = (d.consumer, d.topic, d.key) AND {_CHOSEN})
    ORDER BY d.consumer, d.topic, d.key, d.sequence NULLS LAST, d.id)
UPDATE dead_letters AS d SET retry_at = now(), retry_until = now() + $5::interval, attempts = 0
FROM heads WHERE d.id = heads.id AND heads.deadline IS NULL
RETURNING d.id
"""  # noqa: S608  made of constants
_NEXT = """
SELECT id FROM dead_letters WHERE consumer = $1 AND topic = $2 AND key = $3 ORDER BY sequence NULLS LAST, id LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which dead letters are meant: one, those of a consumer, topic or key, or all where nothing is given."""

    id: int | None = None
    consumer: str | None = None
    topic: str | None = None
    key: str | None = None

    @property
    def parameters(self) -> tuple[int | None, str | None, str | None, str | None]:
        return self.id, self.consumer, self.topic, self.key

    @property
    def given(self) -> dict[str, int | str]:
        """What was chosen by, for the record."""
        pairs = zip(("id", "consumer", "topic", "key"), self.parameters, strict=True)
        return {name: value for name, value in pairs if value is not None} or {"all": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter as a person sees it. `position` is `<partition>/<offset>`.

    `behind`: the id of the first of its key, which is tried before it; None: it is the first itself. The first with
    neither `retry_at` nor `deadline` waits for a person.
    """

    id: int
    consumer: str
    topic: str
    key: str
    event_id: str
    sequence: int | None
    kind: str | None
    position: str
    error: str
    attempts: int
    retry_at: datetime | None
    deadline: datetime | None
    parked_at: datetime
    behind: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A dead letter with its content. `held`: how many wait behind it, and the ids of the first hundred of them."""

    letter: Letter
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    held: int
    held_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Discarded:
    """The event that was discarded. `next_id`: what follows in its key and is tried now."""

    letter: Letter
    next_id: int | None

    @property
    def outcome(self) -> dict[str, Any]:
        """For the record: which event it was, without anything that it holds."""
        names = ("consumer", "topic", "key", "sequence", "event_id", "kind")
        return {**{name: getattr(self.letter, name) for name in names}, "next_id": self.next_id}


async def listed(connection: Any, choice: Choice, page: Page) -> Listed[Letter]:
    """The chosen dead letters without their content, the oldest first. `connection`: asyncpg's, of the system role."""
    after = page.after[0] if page.after else 0
    rows = await connection.fetch(_LIST, *choice.parameters, after, page.limit + 1)
    return Listed.cut([Letter(**row) for row in rows], page, lambda letter: (letter.id,))


async def opened(connection: Any, number: int) -> Result[Opened]:
    """One dead letter. Refused: NoDeadLetter."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        letter = await _find(connection, number)
        if letter is None:
            return Err(NoDeadLetter(number))
        packed, value = await connection.fetchrow(_CONTENT, number)
        held = await connection.fetch(_HELD, number)
    headers = [(packed[i].decode(), packed[i + 1]) for i in range(0, len(packed), 2)]
    return Ok(Opened(letter, headers, value, held[0]["held"] if held else 0, [row["id"] for row in held]))


async def redrive(connection: Any, choice: Choice) -> Result[list[int]]:
    """Makes the first event of each chosen key due; answers their ids. Commands are left out.

    Refused, where one dead letter is named: NoDeadLetter, CommandIsAnswered.
    """
    async with connection.transaction():
        await connection.fetch(_LOCK, *choice.parameters)
        refusal = await _refusal(connection, choice.id) if choice.id is not None else None
        if refusal is not None:
            return refusal
        return Ok([row["id"] for row in await connection.fetch(_REDRIVE, *choice.parameters, RETRY_SPAN)])


async def discard(connection: Any, number: int) -> Result[Discarded]:
    """Removes an event that is never to be applied, and lets what waits behind it be tried at once.

    Its inbox moves over it, so that a repeat is dropped. What has no sequence (a record, bytes that are no event)
    holds nothing up and need not be the next; the gap of an event that nobody can read stays a gap.
    Runs in the caller's transaction. Refused: NoDeadLetter, CommandIsAnswered, NotItsTurn.
    """
    found = await _find(connection, number)
    if found is None:
        return Err(NoDeadLetter(number))
    letters, key = DeadLetters(found.consumer, {}), (found.topic, found.key)
    await letters.lock(connection, *key)
    refusal = await _refusal(connection, number) or await _pass_over(connection, found)
    if refusal is not None:
        return refusal
    await letters.remove(connection, number, *key)
    return Ok(Discarded(found, await connection.fetchval(_NEXT, found.consumer, *key)))


async def _find(connection: Any, number: int) -> Letter | None:
    row = await connection.fetchrow(_ONE, number)
    return Letter(**row) if row is not None else None


async def _refusal(connection: Any, number: int) -> Err | None:
    """Why nothing can be done with it by hand. Read after its key is locked: it may have gone while we waited."""
    letter = await _find(connection, number)
    if letter is None:
        return Err(NoDeadLetter(number))
    return Err(CommandIsAnswered(number, letter.deadline)) if letter.deadline is not None else None


async def _pass_over(connection: Any, letter: Letter) -> Err | None:
    """Moves the inbox as if the event had been applied. Refused: NotItsTurn."""
    inbox = Inbox(letter.consumer)
    if letter.sequence is None:
        if _is_id(letter.event_id):
            await inbox.record(connection, letter.event_id)
        return None
    position = await inbox.position(connection, letter.topic, letter.key)
    if letter.sequence > position + 1:
        first = await connection.fetchval(_NEXT, letter.consumer, letter.topic, letter.key)
        return Err(NotItsTurn(letter.id, first if first != letter.id else None, position + 1))
    if letter.sequence == position + 1:
        await inbox.advance(connection, letter.topic, letter.key, letter.sequence)
    return None


def _is_id(event_id: str) -> bool:
    """Whether an event has an id of its own: bytes that are none are named by their position."""
    try:
        UUID(event_id)
    except ValueError:
        return False
    return True
