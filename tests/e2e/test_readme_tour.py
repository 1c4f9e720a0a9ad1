"""The tour of the README, command by command, as a reader would paste it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from ..stack import Stack

LIMIT_S = 90


def tour(readme: str) -> list[str]:
    """The commands of the README's tour, block by block."""
    section = readme.split("\n## A tour of the API\n")[1].split("\n## ")[0]
    return re.findall(r"^```bash\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def told(stack: Stack, checkout: Path) -> list[str]:
    """What each block printed. All run in one shell, which ends at the first command that fails."""
    stack.healthy()
    script = "\necho '⸻'\n".join(tour((checkout / "README.md").read_text()))
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        env={**os.environ, "URL": stack.url},
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, f"{done.stderr}\nafter:\n{done.stdout[-3000:]}"
    return done.stdout.split("⸻\n")


def about(told: list[str], readme: str, heading: str) -> str:
    """What was printed by the block below the paragraph that begins with this heading."""
    before = readme.split("\n## A tour of the API\n")[1].split(f"\n**{heading}")[0]
    return told[before.count("\n```bash\n")]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Sign up", ['"role": "admin"', "Night Owl Touring"]),
        ("Ask it for something", ['"kind": "agent"', "Summer Tour"]),
        ("Look into the run", ['"tool": "create_project"', '"status": "completed"', "I found 1 project"]),
        ("The project, and who made it", ['etag: "1"', '"agent_version": 1', '"data_schema"']),
        ("Change it", ['"client": "Alte Oper"', " 412 ", "urn:stoa:problem:stale-revision"]),
        ("Act on it", ['"status": "active"', " 409 ", "urn:stoa:problem:rule-broken"]),
        ("Repeat safely", [" 201 ", "idempotency-replayed: true"]),
        ("Errors", ['"pointer": "/data/name"', "urn:stoa:problem:unauthenticated"]),
        ("What Grace saw", ["event: chats.message-sent", "event: modules.module-created", "modules.action-applied"]),
        ("Sign out", ["urn:stoa:problem:invalid-token"]),
    ],
)
def test_the_tour_shows_what_its_text_says(told: list[str], checkout: Path, heading: str, words: list[str]) -> None:
    shown = about(told, (checkout / "README.md").read_text(), heading)
    assert [word for word in words if word.lower() not in shown.lower()] == [], shown


def test_nothing_is_refused_but_what_the_text_announces(told: list[str]) -> None:
    slugs = [slug for block in told for slug in re.findall(r"urn:stoa:problem:([a-z-]+)", block)]
    assert slugs == ["stale-revision", "rule-broken", "invalid-data", "unauthenticated", "invalid-token"]


def test_a_resumed_feed_sends_what_was_sent_before(told: list[str], checkout: Path) -> None:
    shown = about(told, (checkout / "README.md").read_text(), "What Grace saw").splitlines()
    again = shown.index("event: chats.chat-opened", 1)
    live, resumed = shown[:again], shown[again:]
    both = min(len(live), len(resumed))
    assert both >= 4
    assert live[:both] == resumed[:both]


def test_the_tour_has_no_comment_and_needs_no_tool_beside_curl_and_python(checkout: Path) -> None:
    """An interactive zsh takes a comment for a command."""
    text = "\n".join(tour((checkout / "README.md").read_text()))
    assert not re.search(r"(^|\s)#", text)
    assert not re.search(r"\bjq\b", text)
