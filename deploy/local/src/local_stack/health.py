"""Asking a process how it is: `GET /health/ready` answers 200 when it can do its work."""

import asyncio
from http.client import HTTPConnection, HTTPException


async def is_healthy(port: int) -> bool:
    """One question, two seconds at most."""
    return await asyncio.to_thread(_ask, port)


async def healthy(port: int) -> None:
    """Wait until it is."""
    while not await is_healthy(port):  # noqa: ASYNC110 - another process's state has no event
        await asyncio.sleep(0.1)


def _ask(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
