"""The demo: runs the scenario against the local stack and tells it as a story, checking each claim it makes."""

import asyncio
import time
from pathlib import Path

from rich.table import Table

from local_stack.scenario import Json, ScenarioFailed, Seen, Story, run
from local_stack.screen import console

TRACE_WAIT_S = 5.0


def tell(url: str, logs: dict[str, Path]) -> None:
    """Runs and tells the scenario. `logs`: the log of each process, by its name. Raises ScenarioFailed."""
    story = asyncio.run(run(url))
    processes = _trace_through(story.trace_id, logs)
    _people(story)
    _conversation(story)
    _live(story)
    _project(story)
    console.print(f"\n[bold]6.[/] One trace, [cyan]{story.trace_id}[/], runs through {', '.join(processes)}.")
    console.print(f"\n[bold green]All of it was so[/], in {story.seconds:.2f} s.")
    _where(url)


def _people(story: Story) -> None:
    console.rule("[bold]A person asks, an agent acts, everyone sees it live")
    name = story.organisation["name"]
    console.print(f"[bold]1.[/] {story.first['name']} registers and gets an organisation, [cyan]{name}[/].")
    console.print(f"[bold]2.[/] She invites {story.second['name']}, who registers with the invitation.")
    console.print(f"[bold]3.[/] {story.second['name']} opens the live feed.")


def _conversation(story: Story) -> None:
    console.print(f"[bold]4.[/] {story.first['name']} opens a chat with the assistant and writes:")
    console.print(f"     [yellow]{story.first['name']}:[/] {story.question['text']}", highlight=False)
    console.print(f"     [green]{story.agent['name']}:[/] {story.reply['text']}", highlight=False)
    console.print(f"   What {story.second['name']} saw live, and how long after the question was sent:")


def _live(story: Story) -> None:
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(justify="right")
    for seen in story.seen:
        table.add_row(f"{seen.after_ms:.0f} ms", f"[cyan]{seen.kind}[/]", _gist(seen))
    console.print(table)


def _gist(seen: Seen) -> str:
    """The one thing about an event that a reader wants to know."""
    data = seen.data
    return str(data.get("text") or data.get("title") or data.get("state", {}).get("name") or "")


def _project(story: Story) -> None:
    project = story.project
    console.print(
        f"[bold]5.[/] The project [cyan]{project['name']}[/] exists ({project['status']}), and its history says:"
    )
    for version in story.history:
        console.print(f"     {version['revision']}. {version['change']} {_by(story, version['author'])}")


def _by(story: Story, author: Json) -> str:
    who = story.first["name"] if author["user_id"] == story.first["id"] else author["user_id"]
    through = f"{story.agent['name'].lower()} v{author['agent_version']}"
    return f"by {who} through {through}, run {author['run_id']}, tool call {author['tool_call']}"


def _trace_through(trace_id: str, logs: dict[str, Path]) -> list[str]:
    """The processes whose log carries the trace. Raises ScenarioFailed unless it is all of them."""
    deadline = time.monotonic() + TRACE_WAIT_S
    missing = set(logs)
    while missing and time.monotonic() < deadline:
        missing = {name for name in missing if trace_id not in logs[name].read_text(errors="replace")}
        time.sleep(0.05)
    if missing:
        raise ScenarioFailed(f"the trace {trace_id} is missing in the log of {', '.join(sorted(missing))}")
    return sorted(logs)


def _where(url: str) -> None:
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_row("API, to read", f"{url}/docs")
    table.add_row("API, OpenAPI 3.1", f"{url}/api/v1/openapi.json")
    table.add_row("Health", f"{url}/health/ready")
    table.add_row("Stop", "make down")
    console.print(table)
