"""Consumers of agent: contract event to command. Those that act have another name than those that only project."""

from collections.abc import Sequence

from agent.application.answer_message import AnswerMessage
from agent.application.cancel_run import StopRunsOf
from agent.application.ports import KnownChat, KnownMessage, KnownModule, Transaction
from agent.application.publish_assistant import PublishAssistant
from agent.application.record_reply import RecordReply
from agent.application.use_cases import UseCases
from agent.domain.commands import Completed, Refused
from agent.domain.tools import Action, Kind
from chassis.core import Ok, Outcome
from chassis.kafka.consumer import Consumer, on, projection
from contracts.auth.v1 import MembershipChanged, MembershipRevoked, OrganisationCreated
from contracts.chats.topics import CHATS
from contracts.chats.v1 import ChatOpened, ChatState, MessageSent
from contracts.modules.topics import MODULES
from contracts.modules.v1 import (
    ActionApplied,
    CommandCompleted,
    CommandRefused,
    KindPublished,
    ModuleChanged,
    ModuleCreated,
    ModuleDeleted,
    ModuleState,
)
from contracts.permissions import Permission, allows


def consumers(use_cases: UseCases) -> Sequence[Consumer[Transaction]]:
    acting, projecting = Acting(use_cases), Projecting(use_cases)
    rights = [on(MembershipChanged, acting.on_rights), on(MembershipRevoked, acting.on_rights)]
    replies = [on(CommandCompleted, acting.on_command_completed), on(CommandRefused, acting.on_command_refused)]
    return [
        Consumer("agent.organisations", [on(OrganisationCreated, acting.on_organisation_created)]),
        Consumer("agent.messages", [on(MessageSent, acting.on_message_sent)]),
        Consumer("agent.replies", replies),
        Consumer("agent.rights", rights),
        Consumer("agent.transcript", [on(MessageSent, projecting.on_message_sent)]),
        Consumer("agent.kinds", [on(KindPublished, projecting.on_kind_published)]),
        projecting.chats(),
        projecting.modules(),
    ]


class Acting:
    """What makes agents, starts and stops runs, and lets them go on."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def on_organisation_created(self, tx: Transaction, event: OrganisationCreated) -> Outcome:
        return await self._use_cases.publish_assistant(tx, PublishAssistant(event.organisation_id))

    async def on_message_sent(self, tx: Transaction, event: MessageSent) -> Outcome:
        """A run starts for a person's message, unless a run has put it there."""
        asker, agent_id = event.author.user_id, event.agent_id
        if event.author.kind != "user" or asker is None or agent_id is None or event.run_id is not None:
            return Ok(None)
        return await self._use_cases.answer_message(
            tx, AnswerMessage(event.chat_id, agent_id, asker, event.number, event.text)
        )

    async def on_command_completed(self, tx: Transaction, event: CommandCompleted) -> Outcome:
        reply = Completed(event.module.model_dump(mode="json"))
        return await self._use_cases.record_reply(tx, RecordReply(event.command_id, event.run_id, reply))

    async def on_command_refused(self, tx: Transaction, event: CommandRefused) -> Outcome:
        reply = Refused(event.slug, event.detail)
        return await self._use_cases.record_reply(tx, RecordReply(event.command_id, event.run_id, reply))

    async def on_rights(self, tx: Transaction, event: MembershipChanged | MembershipRevoked) -> Outcome:
        """The runs of somebody who may no longer let agents act are stopped."""
        state = event.state
        if state.status == "active" and allows(state.role, Permission.RUNS_WRITE):
            return Ok(None)
        return await self._use_cases.cancel_run.stop_runs_of(tx, StopRunsOf(state.user_id))


class Projecting:
    """What this service keeps of others."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    def chats(self) -> Consumer[Transaction]:
        table = projection(CHATS, ChatState, self.project_chat, table="chats")
        return Consumer("agent.chats", [on(ChatOpened, self.on_chat_opened)], projects=table)

    def modules(self) -> Consumer[Transaction]:
        told = [
            on(ModuleCreated, self.on_module),
            on(ModuleChanged, self.on_module),
            on(ModuleDeleted, self.on_module),
            on(ActionApplied, self.on_module),
        ]
        table = projection(MODULES, ModuleState, self.project_module, table="modules")
        return Consumer("agent.modules", told, projects=table)

    async def on_chat_opened(self, tx: Transaction, event: ChatOpened) -> Outcome:
        return await self.project_chat(tx, event.state)

    async def project_chat(self, tx: Transaction, state: ChatState) -> Outcome:
        chat = KnownChat(state.chat_id, state.organisation_id, state.participants, state.agent_id)
        return await self._use_cases.project_chat(tx, chat)

    async def on_message_sent(self, tx: Transaction, event: MessageSent) -> Outcome:
        org_id = tx.context.organisation
        message = KnownMessage(event.chat_id, org_id, event.number, event.author.kind, event.text, event.run_id)
        return await self._use_cases.project_message(tx, message)

    async def on_kind_published(self, tx: Transaction, event: KindPublished) -> Outcome:
        actions = tuple(Action(one.name, one.title, one.description, one.input_schema) for one in event.actions)
        kind = Kind(event.kind, event.title, event.description, event.data_schema, actions)
        return await self._use_cases.project_kind(tx, kind)

    async def on_module(
        self, tx: Transaction, event: ModuleCreated | ModuleChanged | ModuleDeleted | ActionApplied
    ) -> Outcome:
        return await self.project_module(tx, event.state)

    async def project_module(self, tx: Transaction, state: ModuleState) -> Outcome:
        module = KnownModule(
            module_id=state.module_id,
            org_id=state.organisation_id,
            kind=state.kind,
            name=state.name,
            status=state.status,
            deleted=state.deleted,
            state=state.model_dump(mode="json"),
        )
        return await self._use_cases.project_module(tx, module)
