"""Final reads: when all is quiet, clients read again through the gateway what they were told that they have."""

from collections.abc import Callable, Sequence
from random import Random

import httpx

from .clients import Account
from .history import History, Json, Operation

READ, READ_BY_OTHERS = "read", "read-by-others"
"""The operations under which answers stand in the history, as notes."""

MOST = 20
"""So many answers to requests of each sort are followed."""

_PAGES = {"messages": 5, "versions": 3}
"""Lists, by the last part of their path, and how much of them is read at a time: so little that many have more."""

PATHS: dict[str, Callable[[Operation], tuple[str, ...]]] = {
    "open-chat": lambda one: _chat(one.answer["answer_id"]),
    "send-message": lambda one: _chat(one.given["path"].split("/")[-2]),
    "create-module": lambda one: _module(one.answer["answer_id"]),
    "change-module": lambda one: _module(one.answer["answer_id"]),
    "act-on-module": lambda one: _module(one.answer["answer_id"]),
    "delete-module": lambda one: _module(one.given["path"].rpartition("/")[2]),
    "act": lambda one: (*_chat(one.answer["answer_chat_id"]), f"/api/v1/runs/{one.answer['answer_run_id']}"),
    "cancel-run": lambda one: (f"/api/v1/runs/{one.answer['answer_id']}",),
}
"""By request, where that of which a successful answer told is read."""


def _chat(id_: str) -> tuple[str, ...]:
    return (f"/api/v1/chats/{id_}", f"/api/v1/chats/{id_}/messages")


def _module(id_: str) -> tuple[str, ...]:
    return (f"/api/v1/modules/{id_}", f"/api/v1/modules/{id_}/versions")


def places(operations: Sequence[Operation], seed: int) -> list[tuple[str, str]]:
    """A sample: client and path, each once, in the order in which clients first heard of them."""
    random, found = Random(f"{seed} reading"), list[Operation]()
    for op in PATHS:
        told = [one for one in operations if one.op == op and one.outcome == "ok"]
        found += random.sample(told, min(MOST, len(told)))
    found.sort(key=lambda one: one.number)
    return list(dict.fromkeys((one.process, path) for one in found for path in PATHS[one.op](one)))


async def read_again(history: History, operations: Sequence[Operation], accounts: Sequence[Account], seed: int) -> None:
    """Each note `read` tells the path, the status, and the whole answer: `items` of a list, all pages of it, in their
    order; else `body`. Each note `read-by-others` tells the same of somebody in another organisation."""
    people = {account.name: account for account in accounts}
    for client, path in places(operations, seed):
        person = people[client]
        history.note(client, READ, {"path": path, **await _read(person.http, path)})
        for other in _others(person, accounts):
            history.note(other.name, READ_BY_OTHERS, {"path": path, **await _read(other.http, path)})


def _others(person: Account, accounts: Sequence[Account]) -> list[Account]:
    """One of another organisation, where there is any."""
    return [one for one in accounts if one.organisation != person.organisation][:1]


async def _read(http: httpx.AsyncClient, path: str) -> Json:
    page = _PAGES.get(path.rpartition("/")[2])
    query: dict[str, str] = {} if page is None else {"limit": str(page)}
    items: list[Json] = []
    while True:
        try:
            answer = await http.get(path, params=query)
        except httpx.HTTPError as error:
            return {"status": 0, "error": type(error).__name__}
        if answer.status_code != 200 or page is None:
            return {"status": answer.status_code, "body": answer.json()}
        items += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return {"status": 200, "items": items}
        query["cursor"] = cursor
