"""A small workspace whose services are twenty lines each: what the runner promises does not depend on the real ones."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import PIPE, STDOUT
from textwrap import dedent
from typing import cast
from urllib.request import urlopen

from local_stack.board import Snapshot

SERVICE = """
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ill = False

def environment():
    return {name: value for name, value in os.environ.items() if name.startswith("STOA_")}

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        global ill
        if self.path == "/crash":
            os._exit(7)
        if self.path in ("/fall-ill", "/recover"):
            ill = self.path == "/fall-ill"
        health = {"checks": {"database": {"status": "unhealthy", "line": "is away"}}}
        body = json.dumps(health if ill else environment()).encode()
        self.send_response(503 if ill and self.path == "/health/ready" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

if sys.argv[1] == "migrate":
    print("migrated", os.environ["STOA_DATABASE_OWNER_DSN"].rpartition("/")[2])
else:
    {before}
    print("serving")
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["STOA_HTTP_PORT"])), Handler).serve_forever()
"""
OUTLIVES_ITS_PARENT = "import ctypes; ctypes.CDLL(None).prctl(1, 0)"
CRASHES = "print('no such thing'); sys.exit(5)"
WRONG_SETTING = "print('start refused: STOA_X'); sys.exit(78)"


class Stack:
    """A workspace with `alpha`, `beta` and a gateway; the keyword arguments say what one does before it serves."""

    def __init__(self, root: Path, servers: dict[str, str], **before_serving: str) -> None:
        build(root, **before_serving)
        self.state = root / "state folder"
        paths = [root, root / "services/alpha/src", root / "services/beta/src", root / "gateway/src"]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STOA_")},
            **servers,
            "STOA_WORKSPACE": str(root),
            "STOA_STATE_DIR": str(self.state),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "COLUMNS": "160",
        }

    def run(self, *words: str, prefix: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
        """`python -m local_stack <words>`, output and errors in one text."""
        command = [*prefix, sys.executable, "-m", "local_stack", *words]
        return subprocess.run(command, env=self._environment, stdout=PIPE, stderr=STDOUT, text=True, timeout=150)

    def board(self) -> Snapshot:
        """The board as the runner wrote it last."""
        board = Snapshot.read(self.state / "board.json")
        assert board is not None
        return board

    def ask(self, process: str, path: str) -> dict[str, str]:
        """One request to a dummy; raises `OSError` when it dies over it."""
        with urlopen(self.board().rows[process].url + path, timeout=5) as answer:
            return cast(dict[str, str], json.load(answer))

    def eventually(self, true: Callable[[Snapshot], bool]) -> None:
        """Wait until the board is so; fails after 20 s."""
        deadline = time.monotonic() + 20
        while not true(self.board()):
            assert time.monotonic() < deadline, self.board()
            time.sleep(0.02)


def build(root: Path, **before_serving: str) -> None:
    """The files of such a workspace, with one folder among the services that is none."""
    for name in ("alpha", "beta"):
        _package(root / "services" / name / "src" / name, before_serving.get(name, "pass"))
    _package(root / "gateway" / "src" / "gateway", before_serving.get("gateway", "pass"))
    topics = root / "chassis" / "kafka" / "topics.py"
    topics.parent.mkdir(parents=True)
    (topics.parent / "__init__.py").touch()
    (topics.parents[1] / "__init__.py").touch()
    topics.write_text("print('topics made')\n")
    (root / "services" / "empty" / "src" / "empty").mkdir(parents=True)


def _package(folder: Path, before: str) -> None:
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(dedent(SERVICE).replace("{before}", before))
