"""The documents name what is there: files, verbs, metrics."""

import re
from collections.abc import Iterator
from pathlib import Path

from tools import tree

LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)[^)]*\)")
METRIC = re.compile(r"\bstoa_[a-z_]+[a-z]\b")


def documents(root: Path) -> Iterator[Path]:
    return (path for path in tree.files(root) if path.suffix == ".md")


def dead_links(page: Path) -> list[str]:
    return [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]


def verbs(makefile: str) -> set[str]:
    """What bare `make` lists."""
    rules = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    return set(rules)


def metrics(paths: Iterator[Path]) -> set[str]:
    """Names of the metrics that these sources declare."""
    declared = re.compile(r"\b(?:Counter|Gauge|Histogram)\(\s*\"(stoa_[a-z_]+)\"")
    return {name for path in paths for name in declared.findall(path.read_text())}


def test_every_link_leads_to_a_file(checkout: Path) -> None:
    assert {str(page): dead for page in documents(checkout) if (dead := dead_links(page))} == {}


def test_the_walk_of_one_write_goes_through_files_that_are_there(checkout: Path) -> None:
    walk = (checkout / "CONTRIBUTING.md").read_text().split("\n## One write, file by file\n")[1].split("\n## ")[0]
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", walk)
    packages = tree.packages(checkout)
    assert len(named) > 30
    assert [path for path in named if not (packages[path.split("/")[0]].parent / path).exists()] == []


def test_the_readme_lists_every_verb_and_no_other(checkout: Path) -> None:
    table = (checkout / "README.md").read_text().split("\n## Verbs\n")[1].split("\n## ")[0]
    named = {verb for line in table.splitlines() if line.startswith("| `make") for verb in _verbs_of(line)}
    assert named == verbs((checkout / "Makefile").read_text()) - {"help"}


def test_the_page_on_operations_lists_every_metric_and_no_other(checkout: Path) -> None:
    sources = (path for path in tree.python_files(checkout) if not tree.is_test(path, checkout))
    page = (checkout / "docs/operations.md").read_text()
    assert set(METRIC.findall(page)) == metrics(sources)


def test_a_dead_link_and_a_new_verb_are_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](page.md) [b](gone.md) [c](https://example.com) [d](page.md#part)")
    assert dead_links(page) == ["gone.md"]
    assert verbs("up: x ## Start\n\tx\n.hidden: y\nlist: ## Show\n") == {"up", "list"}


def _verbs_of(line: str) -> list[str]:
    first = line.split("|")[1]
    return [word.removeprefix("make ") for word in re.findall(r"`([a-z -]+)`", first)]
