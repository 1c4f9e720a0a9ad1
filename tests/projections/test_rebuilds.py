"""Every projection of every service, dropped and rebuilt from its real owner's snapshot, equals itself row for row."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.core import new_id
from chassis.database import Database
from chassis.http.tokens import Caller
from chassis.kafka.consumer import Projection
from chassis.serve import Parts
from chassis.settings import ServiceSettings
from chassis.testing.service import RunningService, Servers, settled, started
from chassis.testing.snapshots import looks_at_once
from chassis.testing.tokens import TestKeys, a_caller
from chassis.testing.waiting import eventually
from contracts.permissions import Role

from ..copies import COPIES

OPERATOR = a_caller(role=Role.SUPER_ADMIN)
SERVICES = ("auth", "modules", "agent", "chats")
SEEDED = ["agent.messages", "agent.organisations", "agent.rights", "agent.transcript", "chats.transcript"]


@dataclass
class Running:
    """One service in this process. `system` sees all its rows; `projections` by consumer, as it declares them."""

    name: str
    service: RunningService
    system: Database
    projections: Mapping[str, Projection[Any]]

    async def post(self, path: str, caller: Caller, body: object = None) -> Any:
        answer = await self.service.http.post(f"/api/v1{path}", json=body, headers=self.service.as_(caller))
        assert answer.status_code in (201, 202), answer.text
        return answer.json()

    async def get(self, path: str, caller: Caller) -> Any:
        return (await self.service.http.get(f"/api/v1{path}", headers=self.service.as_(caller))).json()

    async def rows(self, table: str, condition: str = "true") -> list[str]:
        query = text(f"SELECT r::text FROM {table} AS r WHERE {condition} ORDER BY 1")
        async with self.system.system_transaction() as connection:
            return list((await connection.execute(query)).scalars())

    async def drop(self, consumer: str) -> None:
        """As if the consumer had never been."""
        async with self.system.system_transaction() as connection:
            await connection.execute(text(f"DELETE FROM {self.projections[consumer].table}"))
            await connection.execute(text("DELETE FROM inbox WHERE consumer = :name"), {"name": consumer})

    async def ended(self, consumer: str, mode: str) -> Any:
        """What an operator who asks for it is told at its end."""
        base = f"/operations/{self.name}/projections"
        asked = await self.post(f"{base}/{consumer}/{mode}", OPERATOR)

        async def done() -> Any:
            told = await self.get(f"{base}/rebuilds/{asked['id']}", OPERATOR)
            return told if told["ended_at"] is not None else None

        return await eventually(done, within=30)


@asynccontextmanager
async def running(name: str, container: ModuleType, settings: ServiceSettings) -> AsyncIterator[Running]:
    """A service as in production, but for the keys of the test."""
    wired: list[Parts] = []

    def build(keys: TestKeys) -> Parts:
        wired.append(container.build(settings) if name == "auth" else container.build(settings, keys=keys))
        return wired[0]

    system = Database(settings.database_system_dsn.get_secret_value(), application="tests", pool_size=2)
    async with started(settings, build, service=name) as service:
        projections = {one.name: one.projects for one in wired[0].consumers if one.projects is not None}
        yield Running(name, service, system, projections)
    await system.close()


@pytest.fixture(scope="module")
def settings(backends: Servers) -> Iterator[Mapping[str, ServiceSettings]]:
    """A database for each service, one namespace of topics for all."""
    with ExitStack() as stack:
        namespace = f"rebuilds-{new_id().hex}-"
        kinds = {name: import_module(f"{name}.settings").Settings for name in SERVICES}
        yield {
            name: stack.enter_context(settled(backends, name, kind, kafka_namespace=namespace))
            for name, kind in kinds.items()
        }


@pytest.fixture(scope="module", autouse=True)
def no_pauses() -> Iterator[None]:
    """Who looks for rebuilds and requests of snapshots looks all the time."""
    with looks_at_once():
        yield


@pytest.fixture(scope="module")
async def services(settings: Mapping[str, ServiceSettings]) -> AsyncIterator[Mapping[str, Running]]:
    """All four."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(running(name, import_module(f"{name}.container"), settings[name]))
            for name in SERVICES
        }


@pytest.fixture(scope="module")
async def inhabited(services: Mapping[str, Running]) -> Mapping[str, Running]:
    """Somebody has signed up, has a chat with the organisation's agent, and made two modules, one of them deleted."""
    caller = await signed_up(services["auth"])
    [assistant] = await eventually(lambda: agents(services["agent"], caller))

    async def known() -> bool:
        return bool(await services["chats"].rows("agents"))

    await eventually(known)
    await services["chats"].post("/chats", caller, {"title": "Planning", "agent_id": assistant["id"]})
    for name in ("Summer tour", "Winter tour"):
        made = await services["modules"].post("/modules", caller, {"kind": "project", "data": {"name": name}})
    http, headers = services["modules"].service.http, services["modules"].service.as_(caller, if_match='"1"')
    assert (await http.delete(f"/api/v1/modules/{made['id']}", headers=headers)).status_code == 204

    async def settled_everywhere() -> bool:
        readers = [service for service in services.values() if service.projections]
        found = [await one.get(f"/operations/{one.name}/projections", OPERATOR) for one in readers]
        return all(one["lag"] == 0 and one["rows"] != 0 for page in found for one in page["items"])

    await eventually(settled_everywhere, within=30)
    return services


async def signed_up(service: Running) -> Caller:
    """A new person, as the other services see them."""
    who = {"email": f"ada.{new_id().hex}@example.com", "password": "seven owls over a quiet harbour"}
    await service.post("/auth/register", OPERATOR, {**who, "name": "Ada Lovelace"})
    tokens = (await service.service.http.post("/api/v1/auth/login", json=who)).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = (await service.service.http.get("/api/v1/auth/me", headers=headers)).json()
    return a_caller(UUID(me["id"]), UUID(me["organisation"]["id"]), Role.ADMIN)


async def agents(service: Running, caller: Caller) -> list[Any]:
    found: list[Any] = (await service.get("/agents", caller))["items"]
    return found


def test_each_projection_that_there_is_is_rebuilt_here(services: Mapping[str, Running]) -> None:
    assert {name for service in services.values() for name in service.projections} == COPIES.keys()


@pytest.mark.parametrize("consumer", sorted(COPIES))
async def test_a_projection_that_is_dropped_and_rebuilt_equals_itself(
    inhabited: Mapping[str, Running], consumer: str
) -> None:
    service = inhabited[consumer.partition(".")[0]]
    table = service.projections[consumer].table
    before = await service.rows(table)
    assert before != []
    await service.drop(consumer)
    rebuilt = await service.ended(consumer, "rebuild")
    assert (rebuilt["status"], rebuilt["applied"]) == ("done", len(before))
    assert await service.rows(table) == before
    checked = await service.ended(consumer, "check")
    assert (checked["applied"], checked["differing"]) == (len(before), 0)


@pytest.mark.parametrize("consumer", SEEDED)
async def test_a_consumer_that_acts_is_never_rebuilt_and_seeding_it_anew_does_nothing_again(
    inhabited: Mapping[str, Running], consumer: str
) -> None:
    service = inhabited[consumer.partition(".")[0]]
    path = f"/api/v1/operations/{service.name}/projections/{consumer}/rebuild"
    answer = await service.service.http.post(path, headers=service.service.as_(OPERATOR))
    assert answer.status_code == 409
    before = await service.rows("outbox", "topic <> 'snapshot-requests'")
    seeded = await service.ended(consumer, "seed")
    assert (seeded["status"], seeded["applied"]) == ("done", 0)
    assert await service.rows("outbox", "topic <> 'snapshot-requests'") == before
