"""The figures for people, as one table, and for programs, as JSON with the machine that they were taken on."""

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from .figures import Figure

_LIBRARIES = (
    "aiohttp",
    "aiokafka",
    "asyncpg",
    "fastapi",
    "faststream",
    "pydantic",
    "pydantic-ai-slim",
    "sqlalchemy",
    "uvicorn",
    "uvloop",
)


_NUMBERS = ("baseline", "ours", "spread", "ratio", "goal", "met")
_COLUMNS = ("", "measure", "unit", *_NUMBERS, "baseline is")


def table(figures: Sequence[Figure]) -> Table:
    """A row for each figure; the spread is the smallest and the largest repeat of ours."""
    made = Table(caption="Load and servers share the same processor cores.", caption_justify="left")
    for name in _COLUMNS:
        made.add_column(name, justify="right" if name in _NUMBERS else "left")
    for figure in figures:
        made.add_row(*_cells(figure), style=None if figure.met is None or figure.met else "red")
    return made


def markdown(figures: Sequence[Figure]) -> str:
    """The same for a page."""
    rows = [_COLUMNS, ["---"] * len(_COLUMNS), *map(_cells, figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(figure: Figure) -> list[str]:
    return [
        figure.measure,
        figure.what,
        figure.unit,
        _number(figure.base),
        _number(figure.value),
        f"{_number(min(figure.ours))} – {_number(max(figure.ours))}" if len(figure.ours) > 1 else "",
        _number(figure.ratio),
        str(figure.goal or ""),
        {True: "yes", False: "no", None: ""}[figure.met],
        figure.against,
    ]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def show(figures: Sequence[Figure]) -> None:
    """Prints the table: as wide as it is, where nobody's terminal limits it."""
    console = Console()
    (console if console.is_terminal else Console(width=180)).print(table(figures))


def save(figures: Sequence[Figure], settings: dict[str, Any], path: Path) -> None:
    """Everything, each repeat included; and beside it the table as a page holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [_row(figure) for figure in figures]
    path.write_text(json.dumps({"machine": machine(), "settings": settings, "figures": rows}, indent=1) + "\n")
    path.with_suffix(".md").write_text(markdown(figures))


def _row(figure: Figure) -> dict[str, Any]:
    return {
        "measure": figure.measure,
        "what": figure.what,
        "unit": figure.unit,
        "ours": list(figure.ours),
        "baseline": list(figure.baseline),
        "against": figure.against,
        "ratio": figure.ratio,
        "goal": str(figure.goal or ""),
        "met": figure.met,
    }


def machine() -> dict[str, Any]:
    """Where and with what the figures were taken."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
