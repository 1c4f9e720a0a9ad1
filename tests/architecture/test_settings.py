"""`.env.example` names every setting, and none that nothing reads."""

import importlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from tools import tree


def documented(text: str) -> set[str]:
    return set(re.findall(r"^(?:# )?(STOA_[A-Z_]+)=", text, re.MULTILINE))


def fields(module: object) -> set[str]:
    """Names of the environment that the settings classes of a module read."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, BaseSettings)]
    return {f"STOA_{field.upper()}" for kind in kinds for field in kind.model_fields}


def literals(paths: Iterable[Path]) -> set[str]:
    return {name for path in paths for name in re.findall(r"\bSTOA_[A-Z_]*[A-Z]\b", path.read_text())}


@pytest.fixture(scope="module")
def read(checkout: Path) -> set[str]:
    having = [name for name, package in tree.packages(checkout).items() if (package / "settings.py").exists()]
    return set[str]().union(*(fields(importlib.import_module(f"{name}.settings")) for name in having))


def test_every_setting_stands_in_the_example(read: set[str], checkout: Path) -> None:
    assert read - documented((checkout / ".env.example").read_text()) == set()


def test_the_example_names_nothing_that_nothing_reads(read: set[str], checkout: Path) -> None:
    sources = (path for path in tree.python_files(checkout) if not tree.is_test(path, checkout))
    assert documented((checkout / ".env.example").read_text()) - read - literals(sources) == set()


def test_a_new_field_and_a_stale_line_are_noticed() -> None:
    class Planted(BaseSettings):
        new_field: str

    text = "STOA_STALE=1\n# STOA_ASLEEP=2\n# prose about STOA_PROSE\n"
    assert fields(type("module", (), {"kind": Planted})) == {"STOA_NEW_FIELD"}
    assert documented(text) == {"STOA_STALE", "STOA_ASLEEP"}
