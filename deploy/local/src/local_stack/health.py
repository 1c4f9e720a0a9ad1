"""How a process is. A *trouble* is a line that says what it lacks; None: it does its work."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import psutil

Trouble = Callable[[], Awaitable[str | None]]


async def untroubled(trouble: Trouble, told: Callable[[str], None] = lambda line: None) -> None:
    """Ask again and again until there is no trouble; each new one is told."""
    last = None
    while (line := await trouble()) is not None:
        if line != last:
            told(line)
        last = line
        await asyncio.sleep(0.1)


async def http_trouble(port: int) -> str | None:
    """What `GET /health/ready` says: 200 is no trouble. Takes two seconds at most."""
    return await asyncio.to_thread(_ask, port)


def listens(pid: int, url: str) -> bool:
    """Whether the process itself listens at the URL's port: another stack's process may answer there."""
    port = urlsplit(url).port
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.NoSuchProcess:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def _ask(port: int) -> str | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return None if answer.status == 200 else _reason(answer.status, answer.read())
    except (OSError, HTTPException):
        return "does not answer"
    finally:
        connection.close()


def _reason(status: int, body: bytes) -> str:
    try:
        checks = json.loads(body)["checks"].items()
        return "; ".join(f"{name}: {check['line']}" for name, check in checks if check["status"] != "healthy")
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"answers {status}"
