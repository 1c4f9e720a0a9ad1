"""The recipes of CONTRIBUTING and of its page on services, carried out to the letter on a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.backends import Backends
from tools import tree

PAGES = ("CONTRIBUTING.md", "docs/adding-a-service.md")

TESTS = (
    "tests/contracts/test_readers.py",
    "services/chats/tests/unit",
    "services/chats/tests/component/test_chats_over_http.py",
    "services/chats/tests/component/test_chats_welcome_members.py",
    "services/modules/tests/unit/test_kinds.py",
    "services/modules/tests/unit/test_set_list.py",
    "services/activity/tests",
)
"""What tells whether the changes work: suites that a recipe adds to, or that find changes themselves."""

BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: (?P<path>\S+))?\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


class Impossible(AssertionError):
    """A recipe does not fit the checkout any more."""


def steps(page: str) -> Iterator[tuple[str, str | None, str]]:
    """Each block of the recipes: language, path, body. Without a path: commands."""
    recipes = page.partition("\n## Recipes\n")[2] or page
    for block in BLOCK.finditer(recipes):
        lines = block["body"].splitlines(keepends=True)
        yield block["language"], block["path"], "".join(line.removeprefix(block["indent"]) for line in lines)


def changed(text: str, diff: str) -> str:
    """The text with each hunk put in. Raises Impossible where a hunk's place is not found, or is not the only one."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = [line if line.strip() else f" {line}" for line in hunk.splitlines(keepends=True)]
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        if text.count(before) != 1:
            raise Impossible(f"stands {text.count(before)} times in the file:\n{before}")
        text = text.replace(before, after)
    return text


def carry_out(page: str, root: Path, environment: dict[str, str]) -> None:
    """Does what the page says. Raises Impossible."""
    for language, path, body in steps(page):
        if path is None:
            subprocess.run(["bash", "-eu", "-c", body], cwd=root, env=environment, check=True, capture_output=True)
        elif language == "diff":
            (root / path).write_text(changed((root / path).read_text(), body))
        elif (root / path).exists():
            raise Impossible(f"{path} exists already")
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(body)


@pytest.fixture(scope="module")
def copy(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with the environment of this one."""
    root = tmp_path_factory.mktemp("recipes") / "stoa"
    files = list(tree.files(checkout))
    compiled = (one for folder in {path.parent for path in files} for one in folder.glob("__pycache__/*.pyc"))
    for path in (*files, *compiled):  # what is compiled counts as long as its source keeps its time
        target = root / path.relative_to(checkout)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (root / ".venv/bin/python").chmod(0o755)
    return root


@pytest.fixture(scope="module")
def environment(copy: Path, backends: Backends) -> dict[str, str]:
    """The copy's packages come before the installed ones; PostgreSQL and Kafka are those of this session."""
    members = ["libs/contracts", "libs/chassis", "gateway", "deploy/local"]
    members += [f"services/{name}" for name in (*tree.services(copy), "activity")]
    packages = os.pathsep.join(str(copy / member / "src") for member in members)
    return {**os.environ, **backends.addresses.environment(), "PYTHONPATH": packages}


@pytest.fixture(scope="module")
def built(copy: Path, environment: dict[str, str]) -> Path:
    for page in PAGES:
        carry_out((copy / page).read_text(), copy, environment)
    for words in (["check", "--fix-only"], ["format"]):  # the verb `format`, as the recipes ask for
        subprocess.run([sys.executable, "-m", "ruff", *words, "--quiet", "."], cwd=copy, env=environment, check=True)
    return copy


@pytest.mark.parametrize("words", [["tools"], ["contracts", "check"], ["ruff", "check"]], ids=" ".join)
def test_what_the_recipes_make_keeps_the_rules(built: Path, environment: dict[str, str], words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=built, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_what_the_recipes_make_works(built: Path, environment: dict[str, str]) -> None:
    words = ["pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run([sys.executable, "-m", *words], cwd=built, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr


def test_a_recipe_that_no_longer_fits_is_noticed() -> None:
    assert changed("a\nb\nc\n", " a\n+x\n b\n@@\n-c\n") == "a\nx\nb\n"
    with pytest.raises(Impossible, match="stands 0 times"):
        changed("a\n", " b\n+x\n")
    with pytest.raises(Impossible, match="stands 2 times"):
        changed("a\na\n", " a\n+x\n")
