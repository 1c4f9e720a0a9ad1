"""Organisations with members, chats and runs, as component tests begin with them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from chassis.core import Actor, membership_id, new_id
from chassis.http.tokens import Caller
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from chassis.testing.waiting import eventually
from contracts.agent.v1 import AgentPublished
from contracts.auth.v1 import (
    MembershipGranted,
    MembershipRevoked,
    MembershipState,
    OrganisationCreated,
    OrganisationState,
)
from contracts.chats.v1 import Author, ChatOpened, ChatState, MessageSent
from contracts.permissions import Role


@dataclass
class Organisation:
    """An organisation as the agent service learns of it. `ada` is its first member, an editor."""

    agent: RunningService
    ada: Caller
    assistant: UUID

    @classmethod
    async def founded(cls, agent: RunningService) -> "Organisation":
        """With an assistant, and the membership known."""
        ada = a_caller()
        state = OrganisationState(organisation_id=ada.org_id, name="Acme")
        event = OrganisationCreated(organisation_id=ada.org_id, name="Acme", state=state)
        await agent.publish(event, key=ada.org_id, org_id=ada.org_id, sequence=1)
        [(_, published)] = await agent.published(AgentPublished, lambda one: one.state.organisation_id == ada.org_id)
        made = cls(agent, ada, published.agent_id)
        await made.join(ada.user_id)
        return made

    @property
    def org_id(self) -> UUID:
        return self.ada.org_id

    def member(self, role: Role = Role.EDITOR) -> Caller:
        return a_caller(org_id=self.org_id, role=role)

    async def join(self, user_id: UUID) -> None:
        about = self._membership(user_id, Role.EDITOR, "active")
        await self._publish_membership(MembershipGranted.model_validate(about), 1)

    async def leave(self, user_id: UUID) -> None:
        about = self._membership(user_id, Role.EDITOR, "revoked")
        await self._publish_membership(MembershipRevoked.model_validate(about), 2)

    def _membership(self, user_id: UUID, role: Role, status: str) -> dict[str, Any]:
        about: dict[str, Any] = {
            "membership_id": membership_id(self.org_id, user_id),
            "organisation_id": self.org_id,
            "user_id": user_id,
            "role": role,
        }
        return about | {"state": MembershipState.model_validate(about | {"status": status})}

    async def _publish_membership(self, event: MembershipGranted | MembershipRevoked, sequence: int) -> None:
        await self.agent.publish(event, key=event.membership_id, org_id=self.org_id, sequence=sequence)

    async def act(self, message: str, *, caller: Caller | None = None, **more: Any) -> httpx.Response:
        """Asks the assistant; `headers` in `more` go with the request, the rest into its body."""
        headers = more.pop("headers", {})
        return await self.agent.http.post(
            "/api/v1/agent/act",
            json={"message": message, **more},
            headers={**self.agent.as_(caller or self.ada), **headers},
        )

    async def run(self, run_id: UUID | str, *, caller: Caller | None = None) -> dict[str, Any]:
        answer = await self.agent.http.get(f"/api/v1/runs/{run_id}", headers=self.agent.as_(caller or self.ada))
        assert answer.status_code == 200, answer.text
        run: dict[str, Any] = answer.json()
        return run

    async def ended(self, run_id: UUID | str, *, within: float = 10.0) -> dict[str, Any]:
        """Waits for the end of the run, and answers it."""

        async def found() -> dict[str, Any]:
            run = await self.run(run_id)
            return run if run["status"] in ("completed", "failed", "cancelled") else {}

        return await eventually(found, within=within)


class Chat:
    """A chat as its owner would tell of it: its events in order."""

    def __init__(self, organisation: Organisation, *participants: UUID, agent_id: UUID | None = None) -> None:
        self.chat_id = new_id()
        self.agent_id = agent_id or organisation.assistant
        self.participants = participants or (organisation.ada.user_id,)
        self._organisation = organisation
        self._sequence = self._number = 0

    async def opened(self) -> "Chat":
        state = ChatState(
            chat_id=self.chat_id,
            organisation_id=self._organisation.org_id,
            title="Planning",
            participants=self.participants,
            agent_id=self.agent_id,
            status="open",
        )
        event = ChatOpened(
            chat_id=self.chat_id,
            participants=self.participants,
            agent_id=self.agent_id,
            title="Planning",
            state=state,
        )
        await self._publish(event, 1)
        return self

    async def says(self, text: str, *, run_id: UUID | None = None, by_agent: bool = False, times: int = 1) -> None:
        """The first participant, or the agent, writes."""
        user_id = self.participants[0]
        author = Author(kind="agent", agent_id=self.agent_id) if by_agent else Author(kind="user", user_id=user_id)
        self._number += 1
        event = MessageSent(
            chat_id=self.chat_id,
            participants=self.participants,
            agent_id=self.agent_id,
            message_id=new_id(),
            number=self._number,
            author=author,
            text=text,
            run_id=run_id,
        )
        await self._publish(event, times)

    async def _publish(self, event: ChatOpened | MessageSent, times: int) -> None:
        self._sequence += 1
        await self._organisation.agent.publish(
            event,
            key=self.chat_id,
            org_id=self._organisation.org_id,
            sequence=self._sequence,
            actor=Actor.user(self.participants[0]),
            times=times,
        )
