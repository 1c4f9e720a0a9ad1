"""The page that shows the document: three files of our own, and nothing from anywhere else."""

from importlib.resources import files

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PAGES = {
    "/docs": ("docs.html", "text/html"),
    "/docs/docs.css": ("docs.css", "text/css"),
    "/docs/docs.js": ("docs.js", "text/javascript"),
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class DocsPage:
    """One file of the page."""

    def __init__(self, name: str, media_type: str) -> None:
        self._body = (files("gateway.documents") / "assets" / name).read_bytes()
        self._media_type = media_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }
        await Response(self._body, 200, headers, self._media_type)(scope, receive, send)


def docs_pages() -> dict[str, DocsPage]:
    """Each file by its path."""
    return {path: DocsPage(name, media_type) for path, (name, media_type) in PAGES.items()}
