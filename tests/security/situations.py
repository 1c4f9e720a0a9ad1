"""The situations of the access matrix: each function makes fresh objects and says what the path's ids name.

Whoever adds a route with an id in its path adds a situation here, unless one fits, and a line in `matrix.txt`.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .world import Given, World

Situation: TypeAlias = Callable[[World], Given]


def plain(world: World) -> Given:
    """No id in the path; what is sent is the document's example."""
    return Given()


def own_chat(world: World) -> Given:
    """A chat of the owner alone."""
    return _chat(world, [])


def chat_of_all(world: World) -> Given:
    """A chat in which member and viewer take part."""
    return _chat(world, [str(world.member.id), str(world.viewer.id)])


def _chat(world: World, participants: Sequence[str]) -> Given:
    body = {"title": "Plans", "participants": participants}
    chat = world.owner.call("POST", "/api/v1/chats", 201, json=body)
    return Given({"chat_id": chat["id"]})


def situations() -> dict[str, Situation]:
    """All of them, by name."""
    found = globals().items()
    return {name: value for name, value in found if callable(value) and getattr(value, "__module__", "") == __name__}
