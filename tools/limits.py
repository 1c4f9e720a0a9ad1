"""Small by limit: a file has at most 250 lines and a function 25; in tests 400 and 40.

A function counts from its `def` to its last line, docstring and inner functions included, decorators not.
"""

import ast
from pathlib import Path

from tools import tree

SOURCE = (250, 25)
TESTS = (400, 40)


def problems(root: Path) -> list[str]:
    return [line for path in tree.python_files(root) for line in _too_long(path, root)]


def _too_long(path: Path, root: Path) -> list[str]:
    file_limit, function_limit = TESTS if tree.is_test(path, root) else SOURCE
    text, name = path.read_text(), path.relative_to(root)
    found = []
    if (lines := len(text.splitlines())) > file_limit:
        found.append(f"{name}: the file has {lines} lines, allowed are {file_limit}")
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > function_limit:
                found.append(f"{name}:{node.lineno}: {node.name} has {lines} lines, allowed are {function_limit}")
    return found
