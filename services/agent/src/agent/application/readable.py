"""Journal steps for people: what each gave, without what only a replay needs."""

import json
from datetime import datetime
from typing import Any

from agent.application.pinned import PINNED
from agent.application.views import StepView
from agent.domain.journal import JsonValue, Step

_TOOL = "tool:"


def readable(step: Step, finished_at: datetime) -> StepView:
    """A step that another release has written in another form is shown with its name and without content."""
    result: Any = step.result
    kind, tool = ("tool", step.name.removeprefix(_TOOL)) if step.name.startswith(_TOOL) else ("model", None)
    try:
        if step.name == PINNED:
            return StepView(step.number, "begun", None, _begun(result), finished_at)
        content = _parsed(result["result"]) if tool is not None else _answer(result)
    except (LookupError, TypeError, ValueError):
        content = None
    return StepView(step.number, kind, tool, content, finished_at)


def _begun(result: Any) -> JsonValue:
    return {"kinds": [kind["name"] for kind in result["kinds"]], "earlier_messages": len(result["history"])}


def _answer(result: Any) -> JsonValue:
    parts = result["parts"]
    calls: list[JsonValue] = [
        {"tool": part["tool_name"], "arguments": _parsed(part["args"])}
        for part in parts
        if part["part_kind"] == "tool-call"
    ]
    text = "".join(part["content"] for part in parts if part["part_kind"] == "text")
    return {"text": text or None, "calls": calls}


def _parsed(value: Any) -> Any:
    """Arguments and results are JSON text or what that text would give."""
    return json.loads(value) if isinstance(value, str) else value
