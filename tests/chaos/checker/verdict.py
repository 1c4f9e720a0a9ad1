"""All checks of a run, one after the other."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from . import commands, delivery, effects, reading, recovery, runs, sequences, streams
from .evidence import Evidence, Violation

Check: TypeAlias = Callable[[Evidence], Iterator[Violation]]

CHECKS: tuple[Check, ...] = (
    delivery.no_lost_event,
    delivery.no_lost_public_event,
    delivery.no_phantom,
    delivery.as_declared,
    commands.one_effect_per_command,
    commands.no_unexpected_answer,
    commands.no_unexpected_answer_to_a_crowd,
    sequences.no_unexplained_repeats,
    sequences.no_late_repeats,
    sequences.sequences_without_gap,
    sequences.applied_up_to_the_end,
    sequences.state_and_events_together,
    sequences.nothing_parked,
    sequences.poison_parked_once,
    effects.projections_equal_their_sources,
    effects.chat_messages_and_their_events,
    effects.module_versions_and_their_events,
    effects.runs_and_their_messages,
    effects.questions_and_their_runs,
    effects.one_assistant_per_organisation,
    runs.each_run_ends_once,
    runs.steps_without_gap,
    runs.one_effect_per_tool_call,
    runs.model_calls_repeated,
    runs.nothing_written_without_a_lease,
    streams.streams_equal_the_record,
    reading.reads_equal_the_rows,
    reading.reads_hold_what_was_told,
    reading.others_read_nothing,
    recovery.quiet_in_time,
    recovery.levels_return,
    recovery.revoked_stays_revoked,
    recovery.every_point_reached,
    recovery.copies_equal,
)


def violations(evidence: Evidence) -> list[Violation]:
    """What does not hold; empty when all does."""
    return [violation for check in CHECKS for violation in check(evidence)]
