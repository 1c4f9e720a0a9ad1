"""What a run began with: kinds and earlier messages, fixed by the run's first step so that a replay sees the same."""

from collections.abc import Sequence
from typing import Any

from agent.application.ports import Turn
from agent.domain.journal import JsonValue
from agent.domain.tools import Action, Kind

PINNED = "run.pinned"
"""Name of the first step; persisted."""


def pin(kinds: Sequence[Kind], history: Sequence[Turn]) -> JsonValue:
    """The step's result."""
    written: list[JsonValue] = [_kind(kind) for kind in kinds]
    return {"kinds": written, "history": [{"author": turn.author, "text": turn.text} for turn in history]}


def unpin(pinned: Any) -> tuple[tuple[Kind, ...], tuple[Turn, ...]]:
    """The reverse of `pin`, over what the journal kept."""
    kinds = tuple(
        Kind(
            kind["name"],
            kind["title"],
            kind["description"],
            kind["data_schema"],
            tuple(Action(**action) for action in kind["actions"]),
        )
        for kind in pinned["kinds"]
    )
    return kinds, tuple(Turn(turn["author"], turn["text"]) for turn in pinned["history"])


def _kind(kind: Kind) -> JsonValue:
    return {
        "name": kind.name,
        "title": kind.title,
        "description": kind.description,
        "data_schema": kind.data_schema,
        "actions": [
            {
                "name": action.name,
                "title": action.title,
                "description": action.description,
                "input_schema": action.input_schema,
            }
            for action in kind.actions
        ],
    }
