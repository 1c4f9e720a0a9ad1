"""A small workspace whose services are twenty lines each: what the runner promises does not depend on the real ones."""

from pathlib import Path
from textwrap import dedent

SERVICE = """
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def environment():
    return {name: value for name, value in os.environ.items() if name.startswith("STOA_")}

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        if self.path == "/crash":
            os._exit(7)
        body = json.dumps(environment()).encode()
        self.send_response(200 if self.path in ("/health/ready", "/environment") else 404)
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
OUTLIVES_ITS_PARENT = "import ctypes; ctypes.CDLL(None).prctl(1, 0); signal.signal(signal.SIGTERM, signal.SIG_IGN)"
CRASHES = "print('no such thing'); sys.exit(5)"


def build(root: Path, **before_serving: str) -> dict[str, str]:
    """A workspace with `alpha`, `beta` and a gateway; the keyword arguments say what one does before it serves.

    Returns the environment for `python -m local_stack` on it.
    """
    for name in ("alpha", "beta"):
        _package(root / "services" / name / "src" / name, before_serving.get(name, "pass"))
    _package(root / "gateway" / "src" / "gateway", before_serving.get("gateway", "pass"))
    topics = root / "chassis" / "kafka" / "topics.py"
    topics.parent.mkdir(parents=True)
    (topics.parent / "__init__.py").touch()
    (topics.parents[1] / "__init__.py").touch()
    topics.write_text("print('topics made')\n")
    (root / "services" / "empty" / "src" / "empty").mkdir(parents=True)
    paths = [root, root / "services/alpha/src", root / "services/beta/src", root / "gateway/src"]
    return {
        "STOA_WORKSPACE": str(root),
        "STOA_STATE_DIR": str(root / "state folder"),
        "PYTHONPATH": ":".join(map(str, paths)),
    }


def _package(folder: Path, before: str) -> None:
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(dedent(SERVICE).replace("{before}", before))
