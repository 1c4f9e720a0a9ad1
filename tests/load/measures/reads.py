"""P3: a GET that is the same for everybody, at the service itself."""

import tempfile
from pathlib import Path

from ..bench import Bench
from ..client import Client, request
from ..figures import Figure, at_least_times
from ..processes import baseline
from ..sides import at_full_speed

_PATH = "/api/v1/module-kinds"


async def measure(bench: Bench) -> list[Figure]:
    """The baseline answers the same JSON."""
    service, get = bench.stack.urls["modules"], request("GET", _PATH, bench.token)
    pid = bench.pid_of("modules")
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "content.json"
        async with Client(service) as client:
            content.write_bytes((await client.ask(get)).body)
        async with baseline("route", str(content)) as (bare_pid, bare):
            sides = {"bare": at_full_speed(bare, bare_pid, get), "ours": at_full_speed(service, pid, get)}
            found = await bench.in_turn("P3", sides)
    rates = found.both("ours", "bare", "per core")
    what = "GET /module-kinds per second of the service's processor time"
    return [Figure("P3", what, "1/s", *rates, "bare FastAPI route", at_least_times(0.6))]
