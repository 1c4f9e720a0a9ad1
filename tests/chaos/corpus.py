"""Runs that once found something, to be made again: one line each in `corpus.txt`."""

from pathlib import Path

from .drive import Settings

LINES = Path(__file__).with_name("corpus.txt")


def corpus(folder: Path) -> list[Settings]:
    """`<seed> <minutes> <fault>,<fault> <crash point or anywhere>`; what stands behind a # tells what it found."""
    lines = (line.partition("#")[0].split() for line in LINES.read_text().splitlines())
    return [
        Settings(int(seed), float(minutes), tuple(faults.split(",")), folder / seed, _point(crash_point))
        for seed, minutes, faults, crash_point in filter(None, lines)
    ]


def _point(text: str) -> str | None:
    return None if text == "anywhere" else text
