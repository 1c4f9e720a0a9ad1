"""A bare writer: whatever one connection sends is written to all others."""

import asyncio
import sys
from typing import Any, ClassVar

import uvloop


class _Connection(asyncio.Protocol):
    transports: ClassVar[set[Any]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.transports.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        for transport in self.transports:
            if transport is not self._transport:
                transport.write(data)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
