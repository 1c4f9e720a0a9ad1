"""The situations of the access matrix: each function makes what a route needs and says what the path's ids name.

What no route uses up or changes is made once (`@cache`); else each call makes fresh objects. Whoever adds a route with
an id in its path adds a situation here, unless one fits, and a line in `matrix.txt`.
"""

import secrets
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias
from uuid import UUID

from ..people import Person
from ..stack import eventually
from .world import Given, World

Situation: TypeAlias = Callable[[World], Given]


def plain(world: World) -> Given:
    """No id in the path; what is sent is the document's example."""
    return Given()


def sign_up(world: World) -> Given:
    """Somebody registers with an address that nobody has."""
    person = Person("Grace", world.clients["nobody"])
    return Given(body={**person.credentials, "name": person.name})


def sign_in(world: World) -> Given:
    """The right password of the owner is sent."""
    return Given(body=world.owner.credentials)


def refresh(world: World) -> Given:
    """A refresh token of the owner's, not used yet, is sent."""
    tokens = world.owner.call("POST", "/api/v1/auth/login", 200, json=world.owner.credentials)
    return Given(body={"refresh_token": tokens["refresh_token"]})


def own_session(world: World) -> Given:
    """Each caller's own session, which the route ends."""
    return Given(ends_session=True)


def another_member(world: World) -> Given:
    """A member who is none of the callers, with an If-Match that fits."""
    spare = world.spare
    return Given({"user_id": spare["user_id"]}, headers=_if_match(spare["revision"]))


def invitation(world: World) -> Given:
    """An open invitation that the owner has sent."""
    body = {"email": f"{secrets.token_hex(8)}@example.com", "role": "viewer"}
    made = world.owner.call("POST", "/api/v1/organisation/invitations", 201, json=body)
    return Given({"invitation_id": made["id"]}, headers=_if_match(made["revision"]))


@cache
def own_chat(world: World) -> Given:
    """A chat of the owner alone."""
    return _chat_with(world, [])


@cache
def chat_of_all(world: World) -> Given:
    """A chat in which member and viewer take part."""
    return _chat_with(world, [world.member, world.viewer])


@cache
def act_in_own_chat(world: World) -> Given:
    """An agent is asked to act in a chat of the owner alone."""
    return _act_in(world, own_chat(world), refused=403)


@cache
def act_in_chat_of_all(world: World) -> Given:
    """An agent is asked to act in a chat of all three."""
    return _act_in(world, chat_of_all(world), refused=403)


@cache
def assistant(world: World) -> Given:
    """The organisation's agent."""
    return Given({"agent_id": world.organisation.assistant["id"]})


@cache
def own_run(world: World) -> Given:
    """A run that the owner has asked for, and that has ended."""
    return _ended_run_of(world.owner)


@cache
def run_of_member(world: World) -> Given:
    """A run that the member has asked for, and that has ended: the owner sees it as an admin."""
    return _ended_run_of(world.member)


@cache
def kind(world: World) -> Given:
    """A kind of module that everybody has."""
    return Given({"kind": "project"})


def project(world: World) -> Given:
    """A planned project of the owner, with an If-Match that fits."""
    body = {"kind": "project", "data": {"name": "Summer Tour"}}
    made = world.owner.call("POST", "/api/v1/modules", 201, json=body)
    return Given({"module_id": made["id"]}, headers=_if_match(made["revision"]))


def project_to_start(world: World) -> Given:
    """The same, and the action that starts it."""
    found = project(world)
    return Given({**found.ids, "action": "start"}, headers=found.headers)


def no_dead_letter(world: World) -> Given:
    """None of any service has this id."""
    return Given({"dead_letter_id": str(2**62)})


def no_rebuild(world: World) -> Given:
    """None of any service has this id."""
    return Given({"rebuild_id": str(UUID(int=0))})


def no_projection(world: World) -> Given:
    """No service has a consumer of this name."""
    return Given({"consumer": "nobody.nothing"})


def _chat_with(world: World, others: Sequence[Person]) -> Given:
    body = {"title": "Plans", "participants": [str(person.id) for person in others]}
    chat = world.owner.call("POST", "/api/v1/chats", 201, json=body)
    return Given({"chat_id": chat["id"]})


def _act_in(world: World, chat: Given, refused: int) -> Given:
    """Waits until the agent service knows the chat: a viewer, who may never act, is refused from then on."""
    body = {"message": "hello", **chat.ids}

    def known() -> bool:
        return world.viewer.http.post("/api/v1/agent/act", json=body).status_code == refused

    eventually(known, "the agent service knows the chat")
    return Given(body=body)


def _ended_run_of(person: Person) -> Given:
    run = person.call("POST", "/api/v1/agent/act", 202, json={"message": "hello"})
    path = f"/api/v1/runs/{run['run_id']}"
    eventually(lambda: person.call("GET", path, 200)["ended_at"], "the run ends")
    return Given({"run_id": run["run_id"]})


def _if_match(revision: int) -> dict[str, str]:
    return {"If-Match": f'"{revision}"'}


SITUATIONS: dict[str, Situation] = {
    name: made
    for name, made in globals().items()
    if not name.startswith("_") and getattr(made, "__module__", "") == __name__
}
"""All of them, by name."""
