"""I1, I3, I15 as a client sees it: what it was told has happened, what it was refused has not, and nothing twice."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from ..dumps import Row
from ..history import Operation
from .evidence import Evidence, Violation

EXPECTED_REFUSALS = {
    "change-module": {404, 409, 412},
    "act-on-module": {404, 409, 412},
    "delete-module": {404, 409, 412},
    "cancel-run": {404, 409},
    "act": {404, 409},
}
"""What may be refused to a client that does nothing forbidden: others were faster, or a service has not heard yet.

409 to everybody also says that the same request is still under way.
"""


def _messages(evidence: Evidence, asked: Operation) -> list[Row]:
    rows = evidence.dump.rows("chats", "messages")
    return [row for row in rows if row["author_kind"] == "user" and row["text"] == asked.given["unique"]]


def _chats(evidence: Evidence, asked: Operation) -> list[Row]:
    return [row for row in evidence.dump.rows("chats", "chats") if row["title"] == asked.given["unique"]]


def _made(evidence: Evidence, asked: Operation) -> list[Row]:
    versions = evidence.dump.rows("modules", "module_versions")
    return [row for row in versions if row["what"] == "created" and row["name"] == asked.given["unique"]]


def _changed(evidence: Evidence, asked: Operation) -> list[Row]:
    versions = evidence.dump.rows("modules", "module_versions")
    return [row for row in versions if row["what"] == "changed" and row["name"] == asked.given["unique"]]


def _runs(evidence: Evidence, asked: Operation) -> list[Row]:
    return [row for row in evidence.dump.rows("agent", "runs") if row["text"] == asked.given["unique"]]


def _acted_on(evidence: Evidence, asked: Operation) -> list[Row]:
    """The version that the request made, if it was this one: the next after the revision that it named."""
    module_id, action = asked.given["path"].split("/")[-3::2]
    place = (module_id, asked.given["revision"] + 1, action)
    versions = evidence.dump.rows("modules", "module_versions")
    return [row for row in versions if (row["module_id"], row["number"], row["action"]) == place]


def _deleted(evidence: Evidence, asked: Operation) -> list[Row]:
    module_id = asked.given["path"].rpartition("/")[2]
    versions = evidence.dump.rows("modules", "module_versions")
    return [row for row in versions if row["what"] == "deleted" and row["module_id"] == module_id]


def _cancelled(evidence: Evidence, asked: Operation) -> list[Row]:
    run_id = asked.given["path"].split("/")[-2]
    runs = evidence.dump.rows("agent", "runs")
    return [row for row in runs if row["id"] == run_id and row["status"] == "cancelled"]


EFFECTS: dict[str, Callable[[Evidence, Operation], list[Row]]] = {
    "send-message": _messages,
    "open-chat": _chats,
    "create-module": _made,
    "change-module": _changed,
    "act-on-module": _acted_on,
    "delete-module": _deleted,
    "act": _runs,
    "cancel-run": _cancelled,
}
_NOT_ALONE = {"act-on-module", "delete-module", "cancel-run"}
"""Their effect may be another request's, so a refusal does not say that there is none."""


def one_effect_per_command(evidence: Evidence) -> Iterator[Violation]:
    """I1 and I3: one effect where any try of a request succeeded; at most one while nobody knows; none where all were
    refused."""
    asked = defaultdict[tuple[str, str], list[Operation]](list)
    for one in evidence.requests:
        if one.op in EFFECTS:
            asked[one.op, one.given["unique"]].append(one)
    for (op, unique), tries in asked.items():
        found = EFFECTS[op](evidence, tries[0])
        outcomes = {one.outcome for one in tries}
        if "ok" in outcomes and not found:
            yield Violation("I1", f"{op} succeeded and has no effect", (unique, *_request_ids(tries)))
        if len(found) > 1:
            yield Violation("I3", f"{op} has {len(found)} effects", (unique, *_request_ids(tries)))
        if outcomes == {"fail"} and found and op not in _NOT_ALONE:
            yield Violation("I3", f"{op} was refused and has an effect", (unique, *_request_ids(tries)))
        yield from _different_answers(op, unique, tries)


def _different_answers(op: str, unique: str, tries: list[Operation]) -> Iterator[Violation]:
    answers = {str(one.answer.get("answer_id") or one.answer.get("answer_run_id")) for one in tries if _is_ok(one)}
    if len(answers) > 1:
        yield Violation("I3", f"{op} under one idempotency key had different answers", (unique, *sorted(answers)))


def no_unexpected_answer(evidence: Evidence) -> Iterator[Violation]:
    """I15: never 500, and no refusal of what is allowed."""
    for one in evidence.requests:
        status = one.answer.get("status", 0)
        if status == 500:
            yield Violation("I15", f"{one.op} was answered 500", tuple(_request_ids([one])))
        if one.outcome == "fail" and status not in EXPECTED_REFUSALS.get(one.op, {409}):
            what = f"{one.op} was refused with {status}: {one.answer.get('problem', '')}"
            yield Violation("I15", what, tuple(_request_ids([one])))


def no_unexpected_answer_to_a_crowd(evidence: Evidence) -> Iterator[Violation]:
    """I15: whoever reads while no connection is left waits, or is told to come again."""
    for fault in evidence.faults:
        for answer, count in fault.answer.get("answers", {}).items():
            if answer.isdigit() and answer not in ("200", "503"):
                yield Violation("I15", f"{count} of a crowd were answered {answer}", (f"operation {fault.number}",))


def _is_ok(one: Operation) -> bool:
    return one.outcome == "ok"


def _request_ids(tries: list[Operation]) -> list[str]:
    return [str(one.answer.get("request_id") or f"operation {one.number}") for one in tries]
