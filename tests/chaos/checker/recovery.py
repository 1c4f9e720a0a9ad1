"""I13 to I16, I18, I19: what is measured rather than read from rows."""

from collections.abc import Iterator

from ..dumps import Dump, Row
from .evidence import Evidence, Violation

QUIET_WITHIN_S = 15.0
"""After the last fault, from the moment when all processes are well again."""

GROWTH = {"connections": 5.0, "descriptors": 20.0, "tasks": 20.0}
BYTES_PER_MINUTE = 1_000_000


def quiet_in_time(evidence: Evidence) -> Iterator[Violation]:
    """I13: the note `quiet` says how long it took after healing, and what was still open at the deadline."""
    for line in evidence.notes:
        if line.op == "unhealed":
            yield Violation("I13", f"not all processes were well again: {line.value['what']}")
        if line.op == "quiet" and line.value["open"]:
            yield Violation("I13", f"not quiet after {line.value['seconds']} s: {line.value['open']}")
        elif line.op == "quiet" and line.value["seconds"] > QUIET_WITHIN_S:
            yield Violation("I13", f"quiet only after {line.value['seconds']} s")


def every_point_reached(evidence: Evidence) -> Iterator[Violation]:
    """The sweep's own: a point at which nobody died proves nothing."""
    for fault in evidence.faults:
        if fault.op == "crash" and "in" in fault.given and fault.outcome != "ok":
            yield Violation(
                "sweep", f"{fault.given['target']} never passed {fault.given['point']}: {fault.given['in']}"
            )


def levels_return(before: Dump, after: Dump, minutes: float) -> Iterator[Violation]:
    """I14: by process, the measures before the load and after it, when it is quiet again."""
    for process, levels in after.levels.items():
        for name, level in levels.items():
            grown = level - before.levels.get(process, {}).get(name, level)
            most = BYTES_PER_MINUTE * minutes if name == "memory" else GROWTH.get(name, 0.0)
            if grown > most:
                yield Violation("I14", f"{name} of {process} have grown by {grown:g}", (process,))


def revoked_stays_revoked(evidence: Evidence) -> Iterator[Violation]:
    """I16: when all was quiet for 2 s, every process refused every token of a session that had ended before."""
    for line in evidence.notes:
        if line.op == "revoked" and line.value["status"] != 401:
            what = f"{line.value['service']} answered a revoked token {line.value['status']}"
            yield Violation("I16", what, (line.value["user"],))


def copies_equal(evidence: Evidence) -> Iterator[Violation]:
    """I19: at the end the system itself finds no copy that differs from its owner's snapshot."""
    for line in evidence.notes:
        if line.op == "copy" and (line.value["error"] or line.value["differing"]):
            what = f"{line.value['consumer']} differs from its owner's snapshot: {line.value['error'] or 'rows'}"
            yield Violation("I19", what, tuple(line.value["differing"]))


def equal_after_rebuild(before: Dump, after: Dump, service: str, table: str) -> Iterator[Violation]:
    """I18 and I19: a table before it was dropped (or the broker wiped) and after it was rebuilt, row for row."""
    old, new = ({_identity(row): row for row in one.rows(service, table)} for one in (before, after))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            what = f"{service}.{table} was {old.get(key)} and is {new.get(key)}"
            yield Violation("I19", what, (key,))


def _identity(row: Row) -> str:
    return str(row["id"]) if "id" in row else str(sorted(row.items(), key=lambda item: item[0]))
