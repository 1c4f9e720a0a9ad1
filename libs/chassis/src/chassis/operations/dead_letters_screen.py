"""How dead letters look at a terminal: everything fits 80 columns, nothing of a message is obeyed."""

from datetime import datetime

import orjson
import typer

from chassis.operations.dead_letters import Letter, Opened
from chassis.operations.shell import shown
from chassis.paging import Listed

_HEAD = f"{'ID':>6}  {'STATE':<30}  {'PARKED (UTC)':<19}  {'SEQUENCE':>8}  TRIES"
_WIDTH = 80
_INDENT = " " * 8


def show_list(found: Listed[Letter]) -> None:
    """A block of four lines for each."""
    if not found.items:
        typer.echo("Nothing is parked.")
        return
    typer.secho(_HEAD, bold=True)
    for letter in found.items:
        _block(letter)
    if found.end is not None:
        typer.echo(f"There are more: --after {found.end[0]}")


def show_one(found: Opened) -> None:
    """All of one, its value as indented JSON where it is JSON."""
    letter = found.letter
    _pair("state", state_of(letter), red=_waits_for_a_person(letter))
    names = ("id", "consumer", "topic", "key", "position", "event_id", "kind", "sequence", "attempts")
    for name in (*names, "parked_at", "retry_at", "deadline"):
        _pair(name, getattr(letter, name))
    _pair("error", letter.error)
    ids = ", ".join(map(str, found.held_ids)) + (", …" if found.held > len(found.held_ids) else "")
    _pair("behind it", f"{found.held} ({ids})" if found.held else "nothing")
    typer.secho("headers", bold=True)
    for name, content in found.headers:
        typer.echo(f"  {shown(name)}: {_text(content)}")
    typer.secho("value", bold=True)
    for line in _lines(found.value):
        typer.echo(f"  {line}")


def state_of(letter: Letter) -> str:
    """What happens with it next."""
    if letter.deadline is not None:
        return f"refused at {_time(letter.deadline)}"
    if letter.behind is not None:
        return f"waits behind {letter.behind}"
    return "waits for a person" if letter.retry_at is None else f"tried at {_time(letter.retry_at)}"


def _waits_for_a_person(letter: Letter) -> bool:
    return letter.deadline is None and letter.behind is None and letter.retry_at is None


def _block(letter: Letter) -> None:
    sequence = "" if letter.sequence is None else str(letter.sequence)
    state = typer.style(f"{state_of(letter):<30}", fg="red" if _waits_for_a_person(letter) else "yellow")
    typer.echo(f"{letter.id:>6}  {state}  {_time(letter.parked_at)}  {sequence:>8}  {letter.attempts:>5}")
    for text in (f"{letter.consumer} · {letter.kind}", f"{letter.topic} · {letter.key}", letter.error):
        typer.echo(_INDENT + _cut(shown(text), _WIDTH - len(_INDENT)))


def _pair(name: str, value: object, *, red: bool = False) -> None:
    text = "" if value is None else _time(value) if isinstance(value, datetime) else shown(str(value))
    typer.echo(typer.style(f"{name:<10}", bold=True) + typer.style(text, fg="red" if red else None))


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _text(content: bytes | None) -> str:
    return "(null)" if content is None else shown(content.decode(errors="backslashreplace"))


def _lines(content: bytes | None) -> list[str]:
    try:
        pretty = orjson.dumps(orjson.loads(content or b""), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return [_text(content)]
    return [shown(line) for line in pretty.splitlines()]
