"""A model that needs no key and no network: deterministic, and honest about what it is."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from agent.adapters.offline_phrases import Create, Find, Order, Rename, understand
from agent.domain.tools import tool_name

FIND = "find_modules"


class OfflineModel(Model):
    """Understands "create / rename / find a <kind> …" for the kinds that its tools name, and nothing else.

    The same messages always give the same answer: it looks at the last thing that the user said and at the results of
    the tools called since.
    """

    @property
    def model_name(self) -> str:
        return "offline"

    @property
    def system(self) -> str:
        return "offline"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        tools = {tool.name: tool for tool in model_request_parameters.function_tools}
        text, results = _asked(messages)
        order = understand(text, _kinds(tools))
        part = _honest(tools) if order is None else _next(order, tools, results)
        return ModelResponse(parts=[part], model_name=self.model_name, provider_name=self.system)


def _kinds(tools: Mapping[str, ToolDefinition]) -> list[str]:
    """The kinds that there are, in their own spelling, as the search offers them."""
    return list(tools[FIND].parameters_json_schema["properties"].get("kind", {}).get("enum", []))


def _asked(messages: list[ModelMessage]) -> tuple[str, list[dict[str, Any]]]:
    """What the user said last, and the results of the tools called since, in order."""
    text, results = "", list[dict[str, Any]]()
    for message in messages:
        if not isinstance(message, ModelRequest):
            continue
        for part in message.parts:
            if isinstance(part, UserPromptPart):
                text, results = part.content if isinstance(part.content, str) else "", []
            elif isinstance(part, ToolReturnPart):
                results.append(_result(part))
    return text, results


def _result(part: ToolReturnPart) -> dict[str, Any]:
    """A tool's own result is JSON; what the loop says in its place (a tool unknown to it) is a sentence."""
    said = part.model_response_str()
    try:
        result = json.loads(said)
    except ValueError:
        result = None
    return result if isinstance(result, dict) else {"outcome": "refused", "detail": said}


def _honest(tools: Mapping[str, ToolDefinition]) -> TextPart:
    kinds = [_said(kind) for kind in _kinds(tools)]
    example = kinds[-1] if kinds else "project"
    known = f" I know these kinds: {', '.join(kinds)}." if kinds else " No kinds of objects are known here yet."
    return TextPart(
        "I am an offline model: I follow a few plain orders and cannot answer anything else. "
        f"Try “create a {example} called …”, “rename the {example} … to …” or “find the {example} …”.{known}"
    )


def _next(order: Order, tools: Mapping[str, ToolDefinition], results: list[dict[str, Any]]) -> TextPart | ToolCallPart:
    match order:
        case Create():
            return _create(order, tools, results)
        case Rename():
            return _rename(order, tools, results)
        case Find():
            return _told_found(order, results[0]) if results else _search(order.kind, order.name)


def _create(
    order: Create, tools: Mapping[str, ToolDefinition], results: list[dict[str, Any]]
) -> TextPart | ToolCallPart:
    what = f"the {_said(order.kind)} “{order.name}”"
    if results:
        return _told(results[0], f"Done: I created {what}.", f"I could not create {what}")
    tool = tools[tool_name("create", order.kind)]
    field = _name_field(tool.parameters_json_schema)
    return _call(tool.name, {field: order.name}, 0)


def _rename(
    order: Rename, tools: Mapping[str, ToolDefinition], results: list[dict[str, Any]]
) -> TextPart | ToolCallPart:
    what = f"the {_said(order.kind)} “{order.name}”"
    if not results:
        return _search(order.kind, order.name)
    if len(results) > 1:
        return _told(results[1], f"Done: I renamed {what} to “{order.to}”.", f"I could not rename {what}")
    found = [one for one in _found(results[0]) if one["name"].casefold() == order.name.casefold()]
    if not found:
        return TextPart(f"I found no {_said(order.kind)} called “{order.name}”.")
    if len(found) > 1:
        return TextPart(f"There are {len(found)} of the name “{order.name}”, so I changed none of them.")
    tool = tools[tool_name("change", order.kind)]
    field = _name_field(tool.parameters_json_schema["properties"]["changes"])
    return _call(tool.name, {"module_id": found[0]["module_id"], "changes": {field: order.to}}, 1)


def _search(kind: str, name: str | None) -> ToolCallPart:
    wanted = {"kind": kind} if name is None else {"kind": kind, "text": name}
    return _call(FIND, wanted, 0)


def _told_found(order: Find, result: dict[str, Any]) -> TextPart:
    found = _found(result)
    about = "" if order.name is None else f" matching “{order.name}”"
    if result["outcome"] != "done":
        return TextPart(f"I could not search: {result['detail']}")
    if not found:
        return TextPart(f"I found no {_said(order.kind)}{about}.")
    lines = "\n".join(f"- {one['name']} ({one['status']})" for one in found)
    return TextPart(f"I found {len(found)} {_said(order.kind)}{'s' if len(found) > 1 else ''}{about}:\n{lines}")


def _told(result: dict[str, Any], done: str, not_done: str) -> TextPart:
    if result["outcome"] == "done":
        return TextPart(done)
    return TextPart(f"{not_done}: {result['detail']}")


def _found(result: dict[str, Any]) -> list[Any]:
    return list(result.get("modules", []))


def _name_field(schema: Mapping[str, Any]) -> str:
    """What a person calls the name of such a module: its field `name`, else `title`."""
    return "name" if "name" in schema.get("properties", {}) else "title"


def _said(kind: str) -> str:
    return kind.replace("_", " ").replace("-", " ")


def _call(tool: str, arguments: dict[str, Any], number: int) -> ToolCallPart:
    return ToolCallPart(tool, arguments, tool_call_id=f"call_{number}")
