"""Calls an app in the test's own process, without a socket."""

from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp


def client_of(app: ASGIApp, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client of the app; `headers` go with each request. An exception that leaves the app fails the test."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service", headers=headers)
