"""Carries out the calls of tools within one run."""

import json
from typing import Protocol
from uuid import UUID

from agent.application.ports import Modules
from agent.domain.commands import Change, Completed, ModuleCommand, Refused, Reply, command_id
from agent.domain.journal import JsonValue, Lease
from agent.domain.tools import Changes, Finds, Reads, Tool

FOUND_AT_MOST = 20


class Commands(Protocol):
    """Gives an order and waits for its reply."""

    async def __call__(self, lease: Lease, step: int, command: ModuleCommand) -> Reply: ...


class BadArguments(Exception):
    """The model called a tool with arguments that cannot be used; it is told so."""


class Toolbox:
    """The tools of one run.

    Results are JSON *text*: a model library may take a dictionary for something else (a picture to fetch), and what is
    in a module was written by users.
    """

    def __init__(self, lease: Lease, modules: Modules, commands: Commands) -> None:
        self._lease = lease
        self._modules = modules
        self._commands = commands

    async def call(self, tool: Tool, arguments: dict[str, JsonValue], step: int) -> str:
        """The result as JSON text; a refusal is a result. Raises Suspend and LeaseLost."""
        try:
            return json.dumps(await self._result(tool, arguments, step), ensure_ascii=False)
        except BadArguments as bad:
            return json.dumps({"outcome": "refused", "rule": "bad-arguments", "detail": str(bad)})

    async def _result(self, tool: Tool, arguments: dict[str, JsonValue], step: int) -> JsonValue:
        match tool.does:
            case Finds():
                return await self._find(arguments)
            case Reads():
                return await self._read(arguments)
            case Changes() as changes:
                order = _order(command_id(self._lease.run_id, step, 0), changes, arguments)
                return _told(await self._commands(self._lease, step, order))

    async def _find(self, arguments: dict[str, JsonValue]) -> JsonValue:
        text, kind = _optional_text(arguments, "text"), _optional_text(arguments, "kind")
        found = await self._modules.find(self._lease.org_id, text=text, kind=kind, limit=FOUND_AT_MOST)
        lines: list[JsonValue] = [
            {"module_id": str(one.module_id), "kind": one.kind, "name": one.name, "status": one.status} for one in found
        ]
        return {"outcome": "done", "modules": lines}

    async def _read(self, arguments: dict[str, JsonValue]) -> JsonValue:
        module = await self._modules.read(self._lease.org_id, _module_id(arguments))
        if module is None:
            return {"outcome": "refused", "rule": "module-not-found", "detail": "There is no such module."}
        return {"outcome": "done", "module": module}


def _order(id_: UUID, changes: Changes, arguments: dict[str, JsonValue]) -> ModuleCommand:
    match changes.change:
        case Change.CREATE:
            return ModuleCommand(id_, changes.change, changes.kind, input=arguments)
        case Change.CHANGE:
            fields = _object(arguments, "changes")
            return ModuleCommand(id_, changes.change, changes.kind, _module_id(arguments), input=fields)
        case Change.ACT:
            given = _object(arguments, "input")
            name = changes.action_name
            return ModuleCommand(id_, changes.change, changes.kind, _module_id(arguments), name, given)
        case Change.DELETE:
            return ModuleCommand(id_, changes.change, changes.kind, _module_id(arguments))


def _told(reply: Reply) -> JsonValue:
    match reply:
        case Completed(module):
            return {"outcome": "done", "module": module}
        case Refused(slug, detail):
            return {"outcome": "refused", "rule": slug, "detail": detail}


def _module_id(arguments: dict[str, JsonValue]) -> UUID:
    given = arguments.get("module_id")
    try:
        return UUID(str(given))
    except ValueError:
        raise BadArguments(f"module_id must be an id that find_modules gave, not {given!r}.") from None


def _object(arguments: dict[str, JsonValue], name: str) -> dict[str, JsonValue]:
    given = arguments.get(name, {})
    if not isinstance(given, dict):
        raise BadArguments(f"{name} must be an object.")
    return given


def _optional_text(arguments: dict[str, JsonValue], name: str) -> str | None:
    given = arguments.get(name)
    if given is not None and not isinstance(given, str):
        raise BadArguments(f"{name} must be text.")
    return given or None
