"""What stands around a system, so that it can be harmed from outside."""

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Self
from unittest.mock import patch

from services.agent.tests.model_server import ModelServer

from ..stack import Stack
from . import disks, network
from .disks import Disks
from .models import Models, settings_for
from .network import Proxies


@dataclass(frozen=True)
class Around:
    """`models` is the server that assistants ask. Without proxies or disks of its own a system cannot be harmed by the
    faults that need them."""

    models: Models
    proxies: Proxies = field(default_factory=dict)
    disks: Disks = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> Self:
        """Around a system that was started without; its assistants have the offline model."""
        return cls(Models(ModelServer(), Random(0)))

    @classmethod
    @asynccontextmanager
    async def of(cls, stack: Stack, sorts: Iterable[str], seed: int) -> AsyncIterator[Self]:
        """Around a system that is not started yet, as far as these sorts of faults need it."""
        sorts = set(sorts)
        async with AsyncExitStack() as entered:
            servers = network.SERVERS if sorts & set(network.SORTS) else ()
            proxies = await entered.enter_async_context(network.before_servers(stack, servers))
            server = await entered.enter_async_context(ModelServer.listening())
            entered.enter_context(patch.dict(os.environ, settings_for(server)))
            own = entered.enter_context(disks.of_their_own(stack)) if disks.SORT in sorts else {}
            yield cls(Models(server, Random(f"{seed} models")), proxies, own)
