"""The door of a request on a real database: one transaction, idempotency keys, ETags, pages, tenants."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from starlette.responses import Response

from chassis.core import Ok, Result, new_id
from chassis.database import is_passing
from chassis.http.answers import created, ok
from chassis.http.app import create_app
from chassis.http.door import Door, Doors
from chassis.http.identity import Identity
from chassis.http.pages import Cursors, ListQuery, Paged
from chassis.http.problems import problems
from chassis.http.revocations import Revocations
from chassis.http.routing import Router
from chassis.paging import Listed, Page
from chassis.settings import DEVELOPMENT_KEY
from chassis.telemetry import set_up_tracing
from chassis.testing.client import client_of
from chassis.testing.tokens import TestKeys, a_caller

from ..sample.service import Make, NameIsTaboo, SampleTransaction, Thing, make
from ..sample.stage import Stage

KEYS = TestKeys()
DoorOfThings = Door[SampleTransaction]


class NewThing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


class ThingBody(BaseModel):
    id: UUID
    name: str

    @classmethod
    def of(cls, thing: Thing) -> "ThingBody":
        return cls(id=thing.id, name=thing.name)


@dataclass
class Slow:
    """Holds a command inside its transaction until it is let go."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, tx: SampleTransaction, command: Make) -> Result[Thing]:
        self.begun.set()
        await self.go.wait()
        return await make(tx, command)


async def list_things(tx: SampleTransaction, page: Page) -> Result[Listed[Thing]]:
    after = page.after[0] if page.after else ""
    statement = text("SELECT * FROM things WHERE name > :after ORDER BY name LIMIT :most")
    rows = await tx.work.connection.execute(statement, {"after": after, "most": page.limit + 1})
    return Ok(Listed.cut([Thing(**row._mapping) for row in rows], page, lambda thing: (thing.name,)))


def routes(doors: Doors[SampleTransaction], slow: Slow) -> Router:
    router = Router(prefix="/things")

    def shown(thing: Thing) -> ThingBody:
        return ThingBody.of(thing)

    @router.post("", status_code=201, response_model=ThingBody, responses=problems(NameIsTaboo))
    async def add(body: NewThing, door: Annotated[DoorOfThings, Depends(doors)]) -> Response:
        return await door.write(
            make, Make(new_id(), body.name), lambda thing: created(shown(thing), at=f"/things/{thing.id}", etag=1)
        )

    @router.post("/slowly")
    async def add_slowly(body: NewThing, door: Annotated[DoorOfThings, Depends(doors)]) -> Response:
        return await door.write(slow, Make(new_id(), body.name), lambda thing: ok(shown(thing)))

    @router.get("", response_model=Paged[ThingBody])
    async def things(query: Annotated[ListQuery, Query()], door: Annotated[DoorOfThings, Depends(doors)]) -> Response:
        return await door.read(
            list_things, door.page(query, sort="name"), lambda found: door.listed(found, shown, sort="name")
        )

    @router.patch("/{thing_id}")
    async def change(thing_id: UUID, door: Annotated[DoorOfThings, Depends(doors)]) -> Response:
        return Response(str(door.expected_revision()))

    return router


@dataclass
class Api:
    client: httpx.AsyncClient
    slow: Slow

    async def add(self, name: str, key: str | None = None, path: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return await self.client.post(f"/api/v1/things{path}", json={"name": name}, headers=headers)


@pytest.fixture
def api_of(stage: Stage) -> Callable[..., Api]:
    """Makes clients of one app, each with its own caller."""
    set_up_tracing("things")
    slow = Slow()
    doors = Doors(Identity(KEYS, Revocations()), stage.runner, Cursors([DEVELOPMENT_KEY.encode()]))
    app = create_app("things", [routes(doors, slow)], dict, passing=is_passing, docs=True)

    def make_api(user: UUID | None = None, org: UUID | None = None) -> Api:
        return Api(client_of(app, KEYS.headers(a_caller(user, org))), slow)

    return make_api


async def count(stage: Stage, name: str) -> int:
    rows = await stage.rows("SELECT count(*) AS n FROM things WHERE name = :name", name=name)
    found: int = rows[0].n
    return found


async def test_a_repeat_with_a_key_gets_the_first_answer_and_has_no_second_effect(
    stage: Stage, api_of: Callable[..., Api]
) -> None:
    api = api_of()
    first, second = [await api.add("lamp", key="k-1") for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    for header in ("etag", "location", "content-type"):
        assert first.headers[header] == second.headers[header]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await count(stage, "lamp") == 1
    assert len(await stage.rows("SELECT 1 FROM outbox")) == 1


async def test_without_a_key_each_request_counts(stage: Stage, api_of: Callable[..., Api]) -> None:
    api = api_of()
    assert (await api.add("lamp")).status_code == (await api.add("lamp")).status_code == 201
    assert await count(stage, "lamp") == 2


async def test_a_key_for_another_body_or_path_is_refused(stage: Stage, api_of: Callable[..., Api]) -> None:
    api = api_of()
    await api.add("lamp", key="k-2")
    other = await api.add("torch", key="k-2")
    assert (other.status_code, other.json()["type"]) == (422, "urn:stoa:problem:idempotency-key-reused")
    elsewhere = await api.client.post("/api/v1/things?x=1", json={"name": "lamp"}, headers={"Idempotency-Key": "k-2"})
    assert elsewhere.status_code == 422
    assert await count(stage, "torch") == 0


async def test_keys_of_others_and_of_other_routes_are_their_own(stage: Stage, api_of: Callable[..., Api]) -> None:
    user, org = new_id(), new_id()
    here = api_of(user, org)
    here.slow.go.set()
    for api in (here, api_of(user), api_of(None, org), api_of()):
        assert "idempotency-replayed" not in (await api.add("lamp", key="same")).headers
    assert (await here.add("lamp", key="same", path="/slowly")).status_code == 200
    assert await count(stage, "lamp") == 5


async def test_a_repeat_while_the_first_still_runs_conflicts(stage: Stage, api_of: Callable[..., Api]) -> None:
    api = api_of()
    first = asyncio.create_task(api.add("lamp", key="k-3", path="/slowly"))
    await api.slow.begun.wait()
    second = await api.add("lamp", key="k-3", path="/slowly")
    assert (second.status_code, second.json()["type"]) == (409, "urn:stoa:problem:request-still-running")
    api.slow.go.set()
    assert (await first).status_code == 200
    assert (await api.add("lamp", key="k-3", path="/slowly")).content == (await first).content
    assert await count(stage, "lamp") == 1


async def test_twenty_repeats_at_once_have_one_effect(stage: Stage, api_of: Callable[..., Api]) -> None:
    api = api_of()
    answers = await asyncio.gather(*(api.add("lamp", key="k-4") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await count(stage, "lamp") == 1


async def test_a_refusal_is_not_stored(stage: Stage, api_of: Callable[..., Api]) -> None:
    api = api_of()
    refused = await api.add("taboo", key="k-5")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:stoa:problem:name-is-taboo")
    assert (await api.add("lamp", key="k-5")).status_code == 201
    assert await count(stage, "taboo") == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é", "tab\t"])
async def test_a_malformed_key_is_refused(api_of: Callable[..., Api], key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    answer = await api_of().client.post("/api/v1/things", json={"name": "lamp"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:stoa:problem:idempotency-key-malformed")


async def test_a_change_needs_one_strong_etag(api_of: Callable[..., Api]) -> None:
    client, path = api_of().client, f"/api/v1/things/{new_id()}"
    assert (await client.patch(path)).status_code == 428
    for malformed in ("*", 'W/"3"', '"3", "4"', "3", '"03"', '""', '"x"', '"9999999999999999999"'):
        answer = await client.patch(path, headers={"If-Match": malformed})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:stoa:problem:if-match-malformed"), malformed
    assert (await client.patch(path, headers={"If-Match": '"3"'})).text == "3"


async def test_pages_lead_through_all_rows_once(api_of: Callable[..., Api]) -> None:
    api = api_of()
    names = [f"thing-{n}" for n in range(7)]
    for name in names:
        await api.add(name)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.client.get("/api/v1/things", params={"limit": 3, **cursor})).json()
        seen += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == names


async def test_an_altered_or_foreign_cursor_is_refused(api_of: Callable[..., Api]) -> None:
    api, other = api_of(), api_of()
    for name in ("a", "b"):
        await api.add(name)
    cursor = (await api.client.get("/api/v1/things?limit=1")).json()["next_cursor"]
    mine, theirs = api.client, other.client
    for client, given in ((mine, cursor[:-2] + "zz"), (mine, "x"), (mine, "é"), (theirs, cursor)):
        answer = await client.get("/api/v1/things", params={"limit": 1, "cursor": given})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:stoa:problem:invalid-cursor")
    for wrong in ("limit=0", "limit=201", "limit=x", "other=1"):
        assert (await api.client.get(f"/api/v1/things?{wrong}")).status_code == 422


async def test_an_organisation_sees_its_own_rows_only(api_of: Callable[..., Api]) -> None:
    api = api_of()
    await api.add("lamp")
    assert len((await api.client.get("/api/v1/things")).json()["items"]) == 1
    assert (await api_of().client.get("/api/v1/things")).json()["items"] == []


async def test_a_request_id_leads_to_its_events(stage: Stage, api_of: Callable[..., Api]) -> None:
    api, request_id = api_of(), str(new_id())
    answer = await api.client.post("/api/v1/things", json={"name": "lamp"}, headers={"X-Request-ID": request_id})
    headers = dict((await stage.rows("SELECT headers FROM outbox"))[0].headers)
    assert headers["ce_correlationid"] == request_id
    assert headers["traceparent"].split("-")[1] == answer.headers["traceparent"].split("-")[1]
