"""What several measures do at their sides."""

from .client import Client
from .pace import closed_loop
from .processes import cpu_seconds
from .turns import Sample, Side

_CLIENTS, _SECONDS = 16, 2.0


def at_full_speed(url: str, pid: int, get: bytes) -> Side:
    """As many requests as the process can answer: `rate` by the clock, `per core` by its own processor time."""

    async def side() -> Sample:
        async with Client(url) as client:
            spent = cpu_seconds([pid])
            load = await closed_loop(_CLIENTS, _SECONDS, lambda _: client.succeeds(get))
            spent = cpu_seconds([pid]) - spent
        if load.failed:
            raise RuntimeError(f"{load.failed} requests to {url} failed")
        return {"per core": len(load.latencies) / spent, "rate": load.rate}

    return side
