"""Orders of agents, as they come over Kafka and are answered there."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.core import Actor, membership_id, new_id
from chassis.http.tokens import Caller
from chassis.testing.service import RunningService
from chassis.testing.tokens import a_caller
from chassis.testing.waiting import eventually
from contracts.agent.v1 import ModuleCommandRequested
from contracts.auth.v1 import MembershipChanged, MembershipGranted, MembershipRevoked, MembershipState
from contracts.envelope import Envelope
from contracts.modules.v1 import CommandCompleted, CommandRefused, ModuleCreated


async def test_a_command_creates_the_module_and_its_history_names_user_agent_run_and_tool_call(
    modules: RunningService,
) -> None:
    agent = await Agent.of_a_member(modules)
    command_id = await agent.orders("create", kind="project", input={"name": "Summer Tour"})
    envelope, completed = await agent.completed(command_id)
    assert (envelope.subject, envelope.org_id) == (str(agent.run_id), agent.caller.org_id)
    assert (completed.run_id, completed.module.name) == (agent.run_id, "Summer Tour")
    module_id = completed.module.module_id
    [version] = await agent.versions(module_id)
    assert version["author"] == {
        "user_id": str(agent.caller.user_id),
        "agent_id": str(agent.agent_id),
        "agent_version": 3,
        "run_id": str(agent.run_id),
        "tool_call": str(command_id),
    }
    [(created, event)] = await modules.published(ModuleCreated, lambda event: event.module_id == module_id)
    assert (created.actor, event.tool_call) == (str(agent.actor), command_id)
    assert created.causation_id is not None


async def test_a_command_sent_three_times_has_one_effect_and_the_same_reply_each_time(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    command_id = new_id()
    for _ in range(3):
        await agent.orders("create", kind="project", input={"name": "Summer Tour"}, command_id=command_id)
    replies = await modules.published(CommandCompleted, lambda event: event.command_id == command_id, count=3)
    assert len({envelope.id for envelope, _ in replies}) == 3
    assert {event.encode() for _, event in replies} == {replies[0][1].encode()}
    assert len(await agent.modules()) == 1


async def test_one_event_delivered_three_times_has_one_effect_and_one_reply(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    first = await agent.orders("create", kind="project", input={"name": "Summer Tour"}, times=3)
    await agent.completed(await agent.orders("create", kind="document", input={"title": "Plan"}))
    replies = await modules.published(CommandCompleted, lambda event: event.run_id == agent.run_id, count=2)
    assert [event.command_id for _, event in replies].count(first) == 1
    assert len(await agent.modules()) == 2


async def test_change_act_and_delete_follow_a_creation_in_their_order(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    _, created = await agent.completed(await agent.orders("create", kind="project", input={"name": "Tour"}))
    on_it: dict[str, Any] = {"module_id": created.module.module_id, "kind": "project"}
    changed = await agent.orders("change", **on_it, input={"name": "Winter Tour", "client": "Alte Oper"})
    started = await agent.orders("act", **on_it, action_name="start")
    deleted = await agent.orders("delete", **on_it)
    states = [(await agent.completed(command_id))[1].module for command_id in (changed, started, deleted)]
    assert [(state.name, state.status, state.deleted, state.revision) for state in states] == [
        ("Winter Tour", "planned", False, 2),
        ("Winter Tour", "active", False, 3),
        ("Winter Tour", "active", True, 4),
    ]


async def test_a_refused_command_leaves_its_refusal_and_nothing_else(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    _, created = await agent.completed(await agent.orders("create", kind="project", input={"name": "Tour"}))
    on_it: dict[str, Any] = {"module_id": created.module.module_id, "kind": "project"}
    early = await agent.orders("act", **on_it, action_name="finish")
    bad = await agent.orders("change", **on_it, input={"name": "a\0b"})
    unknown = await agent.orders("create", kind="poster", input={"name": "Tour"})
    refusals = [await agent.refused(command_id) for command_id in (early, bad, unknown)]
    assert [refusal.slug for refusal in refusals] == ["rule-broken", "invalid-data", "module-kind-unknown"]
    assert "must be active or on-hold, and it is planned" in refusals[0].detail
    assert "/data: NUL characters" in refusals[1].detail
    assert len(await agent.versions(created.module.module_id)) == 1


async def test_a_repeated_refused_command_gets_the_same_refusal_again(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules, role="viewer")
    command_id = await agent.orders("create", kind="project", input={"name": "Tour"})
    assert (await agent.refused(command_id)).slug == "may-not-write-modules"
    await agent.has_role(modules, "editor", sequence=2)
    await agent.orders("create", kind="project", input={"name": "Tour"}, command_id=command_id)
    replies = await modules.published(CommandRefused, lambda event: event.command_id == command_id, count=2)
    assert replies[0][1] == replies[1][1]
    assert await agent.modules() == []


async def test_a_command_that_comes_before_its_membership_is_carried_out_when_that_has_come(
    modules: RunningService,
) -> None:
    agent = Agent(modules, a_caller())
    command_id = await agent.orders("create", kind="project", input={"name": "Tour"})
    later = await agent.orders("create", kind="document", input={"title": "Plan"})
    other = await Agent.of_a_member(modules)
    await other.completed(await other.orders("create", kind="project", input={"name": "Other"}))
    assert await agent.modules() == []
    await agent.is_granted(modules, "editor")
    await agent.completed(command_id)
    await agent.completed(later)
    assert [module["kind"] for module in await agent.modules()] == ["document", "project"]


async def test_a_command_whose_membership_never_comes_is_refused_at_its_deadline(modules: RunningService) -> None:
    agent = Agent(modules, a_caller())
    command_id = await agent.orders("create", kind="project", input={"name": "Tour"}, seconds=0.5)
    assert (await agent.refused(command_id)).slug == "too-late"
    await agent.is_granted(modules, "editor")
    await agent.completed(await agent.orders("create", kind="document", input={"title": "Plan"}))
    assert [module["kind"] for module in await agent.modules()] == ["document"]


async def test_a_command_past_its_deadline_is_refused(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    command_id = await agent.orders("create", kind="project", input={"name": "Tour"}, seconds=-5)
    assert (await agent.refused(command_id)).slug == "too-late"


async def test_a_demoted_members_command_is_refused(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    await agent.completed(await agent.orders("create", kind="project", input={"name": "Tour"}))
    await agent.has_role(modules, "viewer", sequence=2)
    assert await _refused_within_2_s(agent) == "may-not-write-modules"


async def test_a_removed_members_command_is_refused(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    await agent.completed(await agent.orders("create", kind="project", input={"name": "Tour"}))
    await agent.is_removed(modules, sequence=2)
    assert await _refused_within_2_s(agent) == "not-a-member"


async def test_a_module_of_another_organisation_is_out_of_reach(modules: RunningService) -> None:
    owner, stranger = await Agent.of_a_member(modules), await Agent.of_a_member(modules, role="admin")
    _, created = await owner.completed(await owner.orders("create", kind="project", input={"name": "Tour"}))
    on_it: dict[str, Any] = {"module_id": created.module.module_id, "kind": "project"}
    mine = await owner.orders("change", **on_it, input={"client": "Mine"})
    theirs = [
        await stranger.orders("change", **on_it, input={"client": "Theirs"}),
        await stranger.orders("act", **on_it, action_name="start"),
        await stranger.orders("delete", **on_it),
    ]
    await owner.completed(mine)
    assert {(await stranger.refused(command_id)).slug for command_id in theirs} == {"module-not-found"}
    assert len(await owner.versions(created.module.module_id)) == 2


async def test_a_member_elsewhere_cannot_act_for_an_organisation(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    agent.caller = a_caller(user_id=agent.caller.user_id)
    command_id = await agent.orders("create", kind="project", input={"name": "Tour"}, seconds=0.5)
    assert (await agent.refused(command_id)).slug == "too-late"


async def test_a_command_of_no_organisation_is_refused(modules: RunningService) -> None:
    agent = await Agent.of_a_member(modules)
    command_id = await agent.orders("create", kind="project", input={"name": "Tour"}, org_id=None)
    assert (await agent.refused(command_id)).slug == "not-a-member"


async def test_bytes_that_are_no_command_park_and_other_runs_go_on(modules: RunningService) -> None:
    agent, poison = await Agent.of_a_member(modules), new_id()
    producer = modules.kafka.producer()
    await producer.start()
    topic = modules.kafka.topic(ModuleCommandRequested.contract.topic.name)
    for value, headers in ((b"\xff\xfe", []), (b"{}", [("ce_id", b"\xff")]), (b"", [("ce_type", b"agent.unheard-of")])):
        await producer.send_and_wait(topic, value, str(poison).encode(), headers=headers)
    await producer.stop()
    await agent.completed(await agent.orders("create", kind="project", input={"name": "Tour"}))


class Agent:
    """The agent service as modules sees it: a run of version 3 of an agent, for the user `caller`."""

    def __init__(self, modules: RunningService, caller: Caller) -> None:
        self._service = modules
        self.caller = caller
        self.agent_id, self.run_id = new_id(), new_id()

    @classmethod
    async def of_a_member(cls, modules: RunningService, role: str = "editor") -> "Agent":
        agent = cls(modules, a_caller())
        await agent.is_granted(modules, role)
        return agent

    @property
    def actor(self) -> Actor:
        return Actor.user(self.caller.user_id).through(self.agent_id, 3, self.run_id)

    async def orders(self, action: str, *, seconds: float = 30, times: int = 1, **given: Any) -> UUID:
        """Sends a command and answers its id."""
        org_id = given.pop("org_id", self.caller.org_id)
        values = {"command_id": new_id(), "run_id": self.run_id, "input": {}, **given}
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        event = ModuleCommandRequested.model_validate({**values, "action": action, "deadline": deadline})
        await self._service.publish(event, key=self.run_id, org_id=org_id, actor=self.actor, times=times)
        return event.command_id

    async def completed(self, command_id: UUID) -> tuple[Envelope, CommandCompleted]:
        found = await self._service.published(CommandCompleted, lambda event: event.command_id == command_id)
        return found[0]

    async def refused(self, command_id: UUID, *, within: float = 10.0) -> CommandRefused:
        found = await self._service.published(
            CommandRefused, lambda event: event.command_id == command_id, within=within
        )
        return found[0][1]

    async def modules(self) -> list[dict[str, Any]]:
        return await self._items("/api/v1/modules")

    async def versions(self, module_id: UUID) -> list[dict[str, Any]]:
        return await self._items(f"/api/v1/modules/{module_id}/versions")

    async def _items(self, path: str) -> list[dict[str, Any]]:
        answer = await self._service.http.get(path, headers=self._service.as_(self.caller))
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def is_granted(self, modules: RunningService, role: str) -> None:
        event = MembershipGranted.model_validate(self._membership(role, "active"))
        await modules.publish(event, key=event.membership_id, org_id=self.caller.org_id, sequence=1)

    async def has_role(self, modules: RunningService, role: str, *, sequence: int) -> None:
        event = MembershipChanged.model_validate({**self._membership(role, "active"), "previous_role": "editor"})
        await modules.publish(event, key=event.membership_id, org_id=self.caller.org_id, sequence=sequence)

    async def is_removed(self, modules: RunningService, *, sequence: int) -> None:
        event = MembershipRevoked.model_validate(self._membership("editor", "revoked"))
        await modules.publish(event, key=event.membership_id, org_id=self.caller.org_id, sequence=sequence)

    def _membership(self, role: str, status: str) -> dict[str, Any]:
        whose = {
            "membership_id": membership_id(self.caller.org_id, self.caller.user_id),
            "organisation_id": self.caller.org_id,
            "user_id": self.caller.user_id,
            "role": role,
        }
        return {**whose, "state": MembershipState.model_validate({**whose, "status": status})}


async def _refused_within_2_s(agent: Agent) -> str | None:
    """The slug of the first refusal. Commands that came before the change of rights may still have been carried out."""

    async def refusal() -> str | None:
        command_id = await agent.orders("create", kind="document", input={"title": "Plan"})
        try:
            return (await agent.refused(command_id, within=0.3)).slug
        except TimeoutError:
            return None

    return await eventually(refusal, within=2.0)
