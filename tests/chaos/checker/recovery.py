"""I13, I14, I16, I19: what is measured rather than read from rows."""

from collections.abc import Iterator

from .evidence import Evidence, Violation

CAUGHT_UP_WITHIN_S = 15.0
"""After the last fault, from the moment when all processes are well again, with what stood on the topics then."""

GROWTH = {"connections": 30, "descriptors": 40, "threads": 20}
"""Pools to databases and neighbours keep what was once needed at a time; a leak at each request is far more."""


def quiet_in_time(evidence: Evidence) -> Iterator[Violation]:
    """I13: the note `quiet` says when all was read that had been written until then, and what stayed open."""
    for line in evidence.notes:
        if line.op == "unhealed":
            yield Violation("I13", f"not all processes were well again: {line.value['what']}")
        if line.op == "quiet" and line.value["open"]:
            yield Violation("I13", f"not quiet after {line.value['seconds']} s: {line.value['open']}")
        elif line.op == "quiet" and line.value["caught_up"] > CAUGHT_UP_WITHIN_S:
            yield Violation("I13", f"all was read only after {line.value['caught_up']} s")


def every_point_reached(evidence: Evidence) -> Iterator[Violation]:
    """The sweep's own: a point at which nobody died proves nothing."""
    for fault in evidence.faults:
        if fault.op == "crash" and "in" in fault.given and fault.outcome != "ok":
            yield Violation(
                "sweep", f"{fault.given['target']} never passed {fault.given['point']}: {fault.given['in']}"
            )


def levels_return(evidence: Evidence) -> Iterator[Violation]:
    """I14: the notes `level`, by process: when all is quiet again, against those from the beginning of the load."""
    first = dict[str, dict[str, int]]()
    for line in evidence.notes:
        if line.op != "level":
            continue
        process = line.value["service"]
        before = first.setdefault(process, line.value)
        for name, most in GROWTH.items():
            grown = line.value[name] - before[name]
            if grown > most:
                yield Violation("I14", f"{name} of {process} have grown by {grown} to {line.value[name]}")


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
