"""The composition root: from settings to everything wired."""

from starlette.types import ASGIApp

from chassis.http.app import create_app
from chassis.http.edge import Edge
from chassis.http.identity import Identity
from chassis.http.keys import JwksClient
from chassis.http.revocations import Revocations
from chassis.http.tokens import KeySource
from chassis.kafka.connection import Kafka
from chassis.kafka.revocations import RevocationTail
from chassis.serve import Checks, Parts
from gateway.documents.documents import DOCUMENT_PATH, Documents
from gateway.documents.own import EVENTS_PATH
from gateway.documents.page import docs_pages
from gateway.entrance import Entrance, Page
from gateway.feed.events import Events
from gateway.feed.history import History
from gateway.feed.hub import Hub
from gateway.feed.tail import FeedTail
from gateway.feed.worker import FeedWorker
from gateway.health import WholeHealth
from gateway.proxy.aiohttp_upstreams import AiohttpUpstreams
from gateway.proxy.proxy import Proxy
from gateway.settings import Settings
from gateway.streams import OpenStreams


def build(settings: Settings, *, keys: KeySource | None = None) -> Parts:
    """Everything of one replica, not started yet. Tests bring their own `keys` instead of auth's published ones."""
    kafka = Kafka.of(settings, client_id="gateway")
    revocations = Revocations()
    published_keys = JwksClient(settings.jwks_url)
    identity = Identity(keys or published_keys, revocations)
    streams = OpenStreams(revocations)
    upstreams = AiohttpUpstreams(settings.upstreams)
    hub = Hub()
    events = Events(hub, History(kafka), identity, streams)

    def app(checks: Checks) -> ASGIApp:
        pages: dict[str, Page] = {EVENTS_PATH: events}
        pages |= _health(settings, upstreams, checks) | _docs(settings, upstreams)
        return Edge(Entrance(pages, Proxy(upstreams, streams), identity), passing=_never_passes)

    return Parts(
        app=app,
        bare_app=lambda checks: create_app("gateway", [], checks, passing=_never_passes),
        always=[*([] if keys else [published_keys]), RevocationTail(kafka, revocations), streams],
        api=[FeedTail(kafka, hub)],
        workers=[FeedWorker(kafka, settings.slot)],
        closing=[streams.end_all],
        close=[upstreams.close],
    )


def _never_passes(_: BaseException) -> bool:
    """What a service or the broker does is answered where it happens; what gets past that is a bug."""
    return False


def _health(settings: Settings, upstreams: AiohttpUpstreams, checks: Checks) -> dict[str, Page]:
    whole = WholeHealth(upstreams, settings.upstreams, checks)
    return {"/health/live": whole.live, "/health/ready": whole.ready}


def _docs(settings: Settings, upstreams: AiohttpUpstreams) -> dict[str, Page]:
    """Outside development only where the settings ask for it."""
    if not settings.serves_docs:
        return {}
    return {DOCUMENT_PATH: Documents(upstreams, settings.upstreams).page, **docs_pages()}
