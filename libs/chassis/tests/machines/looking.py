"""One look at the database: every key as it stands at one moment."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ..sample.stage import Stage
from .model import Seen, Waiting
from .reader import NAME

# One statement, so one snapshot of the database.
_LOOK = """
SELECT
    t.id AS thing,
    coalesce((SELECT sequence FROM inbox WHERE consumer = :name AND key = t.id::text), 0) AS position,
    (SELECT coalesce(json_agg(e.name ORDER BY e.id), '[]') FROM effects AS e WHERE e.thing_id = t.id) AS log,
    (SELECT coalesce(json_agg(json_build_array(d.sequence, d.error, d.retry_at IS NULL)
        ORDER BY d.sequence NULLS LAST, d.id), '[]')
        FROM dead_letters AS d WHERE d.consumer = :name AND d.key = t.id::text) AS letters,
    EXISTS (SELECT FROM parked_keys WHERE consumer = :name AND key = t.id::text) AS parked
FROM unnest(CAST(:things AS uuid[])) AS t (id)
"""


async def look(stage: Stage, things: Sequence[UUID]) -> Mapping[UUID, Seen]:
    rows = await stage.rows(_LOOK, name=NAME, things=things)
    return {row.thing: _seen(row) for row in rows}


def _seen(row: Any) -> Seen:
    return Seen(row.thing, row.position, row.log, [Waiting(*letter) for letter in row.letters], row.parked)
