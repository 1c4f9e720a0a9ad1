"""Stands in for the service of modules at its topics: one effect and one reply per command, however often it comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from chassis.core import Actor, new_id
from chassis.testing.service import RunningService
from contracts.agent.v1 import ModuleCommandRequested
from contracts.envelope import Envelope, decode
from contracts.modules.v1 import (
    CommandCompleted,
    CommandRefused,
    KindAction,
    KindPublished,
    ModuleCreated,
    ModuleState,
)

from .builders import PROJECT


class ModulesStandIn:
    """`effects` are the commands that were carried out, each once. Names that begin with “refused” are refused; to
    those in `silent`, and while `away`, nothing is replied until `speak` is called."""

    def __init__(self, agent: RunningService) -> None:
        self._agent = agent
        self.effects: list[ModuleCommandRequested] = []
        self.deliveries: list[UUID] = []
        self.actors: dict[UUID, str] = {}
        self.away = False
        self._replies: dict[UUID, tuple[Any, UUID | None]] = {}
        self._unspoken: list[UUID] = []

    @classmethod
    @asynccontextmanager
    async def on(cls, agent: RunningService) -> AsyncIterator["ModulesStandIn"]:
        stand_in = cls(agent)
        await stand_in.publish_kind()
        answering = asyncio.create_task(stand_in._answer())
        yield stand_in
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering

    async def publish_kind(self) -> None:
        event = KindPublished(
            kind=PROJECT.name,
            title=PROJECT.title,
            description=PROJECT.description,
            data_schema=PROJECT.data_schema,
            actions=tuple(
                KindAction(
                    name=action.name,
                    title=action.title,
                    description=action.description,
                    permission="modules:write",
                    input_schema=action.input_schema,
                )
                for action in PROJECT.actions
            ),
        )
        await self._agent.publish(event, key=PROJECT.name, org_id=None)

    def named(self, name: str) -> list[ModuleCommandRequested]:
        """The effects that made or changed a module of that name."""
        return [effect for effect in self.effects if effect.input.get("name") == name]

    async def speak(self) -> None:
        """Sends the replies that were held back."""
        self.away = False
        while self._unspoken:
            await self._reply(self._unspoken.pop(0))

    async def _answer(self) -> None:
        consumer = self._agent.kafka.tail("modules-commands", auto_offset_reset="earliest")
        await consumer.start()
        try:
            async for record in consumer:
                envelope = Envelope.from_headers(record.headers)
                command = decode(envelope, record.value)
                if isinstance(command, ModuleCommandRequested):
                    await self._take(envelope, command)
        finally:
            await consumer.stop()

    async def _take(self, envelope: Envelope, command: ModuleCommandRequested) -> None:
        self.deliveries.append(command.command_id)
        self.actors[command.command_id] = envelope.actor
        if command.command_id not in self._replies:
            self._replies[command.command_id] = (self._carry_out(envelope, command), envelope.org_id)
        if self.away:
            self._unspoken.append(command.command_id)
        else:
            await self._reply(command.command_id)

    async def _reply(self, command_id: UUID) -> None:
        reply, org_id = self._replies[command_id]
        await self._agent.publish(reply, key=reply.run_id, org_id=org_id)

    def _carry_out(self, envelope: Envelope, command: ModuleCommandRequested) -> CommandCompleted | CommandRefused:
        name = str(command.input.get("name", ""))
        about = {"command_id": command.command_id, "run_id": command.run_id}
        if name.startswith("refused"):
            return CommandRefused(**about, slug="may-not-write-modules", detail="Your role may only read modules.")
        self.effects.append(command)
        user_id = Actor.parse(envelope.actor).user_id
        assert envelope.org_id is not None
        assert user_id is not None
        return CommandCompleted(**about, module=a_module(envelope.org_id, user_id, name=name))


def a_module(org_id: UUID, owner_id: UUID, *, name: str, deleted: bool = False) -> ModuleState:
    return ModuleState(
        module_id=new_id(),
        organisation_id=org_id,
        kind="project",
        owner_id=owner_id,
        status="planned",
        revision=1,
        name=name,
        data={"name": name},
        deleted=deleted,
    )


def created(module: ModuleState) -> ModuleCreated:
    return ModuleCreated(module_id=module.module_id, kind=module.kind, state=module)
