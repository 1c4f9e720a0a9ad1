"""What a run came to: figures, and each violation with the way of its events through the system."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .checker.evidence import Evidence, Violation, readers

MOST_SHOWN = 20


@dataclass(frozen=True)
class Figures:
    """Counts of one run; seconds where a name says so."""

    seed: int
    minutes: float
    operations: dict[str, int]
    faults: dict[str, int]
    events: int
    runs: int
    tool_calls: int
    model_calls: dict[str, int]
    live_events: int
    resumes: int
    repeats_in_topics: int
    repeats_in_feed: int
    parked: int
    revoked_tokens_refused: int
    longest_recovery: str
    longest_recovery_seconds: float
    quiet_after_seconds: float

    @classmethod
    def of(
        cls, evidence: Evidence, *, seed: int, minutes: float, recoveries: list[tuple[str, float]], quiet: float
    ) -> "Figures":
        longest = max(recoveries, key=lambda one: one[1], default=("", 0.0))
        return cls(
            seed=seed,
            minutes=minutes,
            operations=dict(Counter(one.outcome for one in evidence.requests)),
            faults=dict(Counter(one.op for one in evidence.faults if one.outcome == "ok")),
            events=len(evidence.outbox),
            runs=len(evidence.dump.rows("agent", "runs")),
            tool_calls=len(evidence.dump.rows("agent", "run_commands")),
            model_calls=_model_calls(evidence),
            live_events=sum(line.op == "event" for line in evidence.notes),
            resumes=sum(line.op == "lost" for line in evidence.notes),
            repeats_in_topics=sum(len(records) - 1 for records in evidence.records.values()),
            repeats_in_feed=sum(len(records) - 1 for records in evidence.fed.values()),
            parked=len(evidence.dead_letters),
            revoked_tokens_refused=sum(line.op == "revoked" and line.value["status"] == 401 for line in evidence.notes),
            longest_recovery=longest[0],
            longest_recovery_seconds=round(longest[1], 1),
            quiet_after_seconds=quiet,
        )


def _model_calls(evidence: Evidence) -> dict[str, int]:
    """How many were tried, answered in whole, and answered once more."""
    told: dict[str, Any] = next((line.value for line in evidence.notes if line.op == "model-calls"), {})
    repeats = sum(count - 1 for count in told.get("repeated", {}).values())
    return {"asked": told.get("asked", 0), "answered": told.get("answered", 0), "repeated": repeats}


def text(figures: Figures, violations: list[Violation], evidence: Evidence) -> str:
    """For people."""
    lines = [f"{name.replace('_', ' '):26} {_shown(value)}" for name, value in asdict(figures).items()]
    if not violations:
        return "\n".join([*lines, "", "no violation"])
    counts = Counter(violation.invariant for violation in violations)
    lines += ["", f"{len(violations)} violations: {_shown(dict(counts))}"]
    for violation in violations[:MOST_SHOWN]:
        lines += ["", str(violation), *(f"    {step}" for one in violation.ids for step in way_of(evidence, one))]
    return "\n".join(lines)


def save(path: Path, figures: Figures, violations: list[Violation]) -> None:
    """The same for programs."""
    found = [asdict(violation) for violation in violations]
    path.write_text(json.dumps({"figures": asdict(figures), "violations": found}, indent=2))


def way_of(evidence: Evidence, event_id: str) -> list[str]:
    """An event's way: its row in the outbox, its positions in the topics, its readers' inboxes, who saw it live."""
    one = evidence.sent.get(event_id)
    if one is None:
        return []
    lines = [f"{one.kind} {event_id}: outbox row {one.row['id']} of {one.service}, sent {one.row['sent_at']}"]
    places = [record.position for record in [*evidence.records.get(event_id, []), *evidence.fed.get(event_id, [])]]
    lines.append(f"stands at {', '.join(places) or 'no position'}")
    for consumer in sorted(readers().get(one.topic, ())):
        at = evidence.inbox.get((consumer, one.topic, one.key))
        applied = "applied" if evidence.has_applied(consumer, one) else "not applied"
        lines.append(f"{consumer}: {applied}" + ("" if at is None else f", at sequence {at} (event: {one.sequence})"))
    parked = [row for row in evidence.dead_letters if row["event_id"] == event_id]
    lines += [f"{row['consumer']}: parked: {row['error']}" for row in parked]
    seen = [line.process for line in evidence.notes if line.op == "event" and line.value["id"] == event_id]
    return [*lines, f"seen by {', '.join(seen) or 'nobody'}"]


def _shown(value: Any) -> str:
    return ", ".join(f"{count} {name}" for name, count in value.items()) if isinstance(value, dict) else str(value)
