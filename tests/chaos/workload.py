"""What clients ask for: a seeded stream of requests, each with a value that no other request has.

A client only knows what answers told it, so the stream depends on the seed and on these answers, on nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from .history import Json

MOST_KNOWN = 30
"""So many objects of a sort a client works on; older ones are left alone."""


@dataclass(frozen=True)
class Request:
    """`unique` is the value by which its effect is found; `key` the idempotency key, of POST requests only."""

    op: str
    method: str
    path: str
    unique: str
    body: Json | None = None
    revision: int | None = None
    key: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What the request carries beside its token."""
        named = {"Idempotency-Key": self.key, "If-Match": None if self.revision is None else f'"{self.revision}"'}
        return {name: value for name, value in named.items() if value is not None}


@dataclass
class Module:
    """A module as the client last saw it."""

    id: str
    kind: str
    name: str
    status: str
    revision: int


@dataclass
class Known:
    """What one client has learnt from answers. `people` are the ids of the others in its organisation."""

    agent_id: str = ""
    people: list[str] = field(default_factory=list)
    chats: list[str] = field(default_factory=list)
    agent_chats: list[str] = field(default_factory=list)
    modules: dict[str, Module] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)

    def learn(self, request: Request, answer: Json) -> None:
        """Takes over what a successful answer tells."""
        if request.op == "open-chat":
            chats = self.agent_chats if (request.body or {}).get("agent_id") else self.chats
            chats.append(answer["id"])
            del chats[:-MOST_KNOWN]
        elif request.op == "act":
            self.runs.append(answer["run_id"])
            del self.runs[:-MOST_KNOWN]
        elif request.op == "delete-module":
            self.modules.pop(_last_part(request.path), None)
        elif request.op in ("create-module", "change-module", "act-on-module"):
            names = ("id", "kind", "name", "status", "revision")
            self.modules[answer["id"]] = Module(**{name: answer[name] for name in names})
            for old in list(self.modules)[:-MOST_KNOWN]:
                del self.modules[old]

    def forget(self, request: Request) -> None:
        """After a refusal: somebody else was faster, so this client works on other modules from now on."""
        for part in request.path.split("/"):
            self.modules.pop(part, None)


ACTIONS = {
    ("project", "planned"): "start",
    ("project", "active"): "pause",
    ("project", "on-hold"): "resume",
    ("document", "draft"): "tag",
    ("document", "published"): "tag",
}

_WEIGHTS = {
    "send-message": 22,
    "ask-agent": 18,
    "create-module": 15,
    "change-module": 15,
    "act-on-module": 12,
    "open-chat": 8,
    "act": 6,
    "delete-module": 3,
    "cancel-run": 3,
}


class Generator:
    """The requests of one client."""

    def __init__(self, seed: int, client: str) -> None:
        self.random = Random(f"{seed} {client}")
        self._name = f"{seed} {client}"
        self._count = 0
        self._makers: dict[str, Callable[[Known, str], Request | None]] = {
            "send-message": self._send_message,
            "ask-agent": self._ask_agent,
            "create-module": self._create_module,
            "change-module": self._change_module,
            "act-on-module": self._act_on_module,
            "open-chat": self._open_chat,
            "act": self._act,
            "delete-module": self._delete_module,
            "cancel-run": self._cancel_run,
        }

    def next(self, known: Known) -> Request:
        """The next request. What cannot be asked yet, for want of an object, becomes the making of one."""
        self._count += 1
        unique = f"{self._name} {self._count}"
        chosen = self.random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        request = self._makers[chosen](known, unique)
        if request is not None:
            return request
        missing = self._open_chat if chosen in ("send-message", "ask-agent") else self._create_module
        return missing(known, unique)

    def _post(self, op: str, path: str, unique: str, body: Json, revision: int | None = None) -> Request:
        return Request(op, "POST", path, unique, body, revision, key=unique.replace(" ", "-"))

    def _open_chat(self, known: Known, unique: str) -> Request:
        body: Json = {"title": unique}
        if known.people and self.random.random() < 0.5:
            body["participants"] = [self.random.choice(known.people)]
        if not known.agent_chats or self.random.random() < 0.5:
            body["agent_id"] = known.agent_id
        return self._post("open-chat", "/api/v1/chats", unique, body)

    def _send_message(self, known: Known, unique: str) -> Request | None:
        if not known.chats:
            return None
        return self._post(
            "send-message", f"/api/v1/chats/{self.random.choice(known.chats)}/messages", unique, {"text": unique}
        )

    def _ask_agent(self, known: Known, unique: str) -> Request | None:
        if not known.agent_chats:
            return None
        path = f"/api/v1/chats/{self.random.choice(known.agent_chats)}/messages"
        order = self._order(known, unique)
        return self._post("send-message", path, order, {"text": order})

    def _act(self, known: Known, unique: str) -> Request:
        order = self._order(known, unique)
        body: Json = {"message": order}
        if known.agent_chats and self.random.random() < 0.5:
            body["chat_id"] = self.random.choice(known.agent_chats)
        return self._post("act", "/api/v1/agent/act", order, body)

    def _order(self, known: Known, unique: str) -> str:
        """Something that the offline model understands, or does not; always with the unique value in it."""
        kind = self.random.choice(("project", "document"))
        chosen = self.random.random()
        if chosen < 0.6:
            return f"create a {kind} called agent {unique}"
        if chosen < 0.8 and known.modules:
            module = self.random.choice(list(known.modules.values()))
            return f"rename the {module.kind} {module.name} to agent {unique}"
        if chosen < 0.9:
            return f"find the {kind} {unique}"
        return f"what do you think of {unique}?"

    def _create_module(self, known: Known, unique: str) -> Request:
        kind = self.random.choice(("project", "document"))
        data = {_name_field(kind): unique}
        return self._post("create-module", "/api/v1/modules", unique, {"kind": kind, "data": data})

    def _change_module(self, known: Known, unique: str) -> Request | None:
        module = self._some_module(known)
        if module is None:
            return None
        body = {"data": {_name_field(module.kind): unique}}
        return Request("change-module", "PATCH", f"/api/v1/modules/{module.id}", unique, body, module.revision)

    def _act_on_module(self, known: Known, unique: str) -> Request | None:
        module = self._some_module(known)
        if module is None or (action := ACTIONS.get((module.kind, module.status))) is None:
            return None
        given = {"add": [unique]} if action == "tag" else {}
        path = f"/api/v1/modules/{module.id}/actions/{action}"
        return self._post("act-on-module", path, unique, {"input": given}, module.revision)

    def _delete_module(self, known: Known, unique: str) -> Request | None:
        module = self._some_module(known)
        if module is None:
            return None
        return Request("delete-module", "DELETE", f"/api/v1/modules/{module.id}", unique, revision=module.revision)

    def _cancel_run(self, known: Known, unique: str) -> Request | None:
        if not known.runs:
            return None
        return self._post("cancel-run", f"/api/v1/runs/{known.runs[-1]}/cancel", unique, {})

    def _some_module(self, known: Known) -> Module | None:
        return self.random.choice(list(known.modules.values())) if known.modules else None


def _name_field(kind: str) -> str:
    return "title" if kind == "document" else "name"


def _last_part(path: str) -> str:
    return path.rpartition("/")[2]
