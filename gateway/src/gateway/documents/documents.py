"""The merged OpenAPI document, kept for a while and made anew from what the services say now."""

import asyncio
import hashlib
import time
from collections.abc import Iterable
from typing import Any

import orjson
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.documents.merge import Document, merge
from gateway.documents.own import add_gateway_answers, own_document
from gateway.proxy.headers import value_of
from gateway.proxy.upstreams import UpstreamFailed, Upstreams
from gateway.routes import find_target

DOCUMENT_PATH = "/api/v1/openapi.json"
FRESH_S = 60.0
INCOMPLETE_S = 2.0
"""How long a document is kept in which a service is missing."""

_ANSWER_S = 5.0

log = structlog.get_logger("documents")


class Documents:
    """One document of all services. A service that is away keeps the part it had; `x-missing` names those without."""

    def __init__(self, upstreams: Upstreams, services: Iterable[str]) -> None:
        self._upstreams = upstreams
        self._services = sorted(services)
        self._parts: dict[str, Document] = {}
        self._making = asyncio.Lock()
        self._stale_at = float("-inf")
        self._body = b""
        self._etag = ""

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the document, or 304 to a client that has it."""
        async with self._making:
            if time.monotonic() >= self._stale_at:
                await self._make()
        headers = {"ETag": self._etag, "Cache-Control": "no-cache"}
        if value_of(scope["headers"], b"if-none-match") == self._etag:
            await Response(b"", 304, headers)(scope, receive, send)
        else:
            await Response(self._body, 200, headers, "application/json")(scope, receive, send)

    async def _make(self) -> None:
        fetched = await asyncio.gather(*(self._fetch(service) for service in self._services))
        self._parts |= {service: part for service, part in zip(self._services, fetched, strict=True) if part}
        document = merge(own_document(), self._parts.items(), _is_routed)
        missing = [service for service in self._services if service not in self._parts]
        if missing:
            document["info"]["x-missing"] = missing
        self._body = orjson.dumps(document)
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:16]}"'
        self._stale_at = time.monotonic() + (FRESH_S if all(fetched) else INCOMPLETE_S)

    async def _fetch(self, service: str) -> Document | None:
        try:
            status, body = await self._upstreams.fetch(service, "/openapi.json", within_s=_ANSWER_S)
            document: Any = orjson.loads(body) if status == 200 else None
        except (UpstreamFailed, orjson.JSONDecodeError) as error:
            log.warning("document-not-fetched", upstream=service, error=str(error))
            return None
        if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
            log.warning("document-not-fetched", upstream=service, error=f"status {status}, no document")
            return None
        paths = {path: add_gateway_answers(item) for path, item in document["paths"].items()}
        return {**document, "paths": paths}


def _is_routed(service: str, path: str) -> bool:
    """Whether a client reaches this path of the service through the gateway."""
    target = find_target(path)
    return target is not None and target.service == service
