"""Words that no file of the project contains, and names that no module, class or function has.

A letter in brackets keeps a pattern from matching this very file.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools import tree

REASONS = {
    r"exactly[ -]onc[e]": "say: delivered at least once, one effect",
    r"\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b": "finish it, or leave it out",
    r"\bshare[d]/|/wor[k]/|\bissue #?\d": "the project speaks of itself alone",
    r"(?<![\w.}/-])/(roo[t]|hom[e]|User[s])/[\w.]|/opt/wheel[s]": "a path of one machine",
    r"\bpypi[.]org|pythonhosted[.]org|maven[.]org|maven[.]apache[.]org|npmjs[.]org|crates[.]io": "a registry's host",
}
UNUSED = {"manager", "helper", "helpers", "util", "utils", "common", "impl", "dto", "interactor"}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def problems(root: Path) -> list[str]:
    return [line for path in tree.files(root) for line in [*_phrases(path, root), *_names(path, root)]]


def _phrases(path: Path, root: Path) -> Iterator[str]:
    text = path.read_bytes().decode(errors="replace")
    for pattern, reason in REASONS.items():
        for match in re.finditer(pattern, text, re.IGNORECASE):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(root)}:{line}: {match[0]!r}: {reason}"


def _names(path: Path, root: Path) -> Iterator[str]:
    if path.suffix != ".py":
        return
    definitions = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = ast.walk(ast.parse(path.read_text(), str(path)))
    named = [(1, path.stem)] + [(node.lineno, node.name) for node in nodes if isinstance(node, definitions)]
    for line, name in named:
        if unused := UNUSED.intersection(word.lower() for word in WORD.findall(name)):
            yield f"{path.relative_to(root)}:{line}: {name}: {unused.pop()!r} says nothing; name what it does"
