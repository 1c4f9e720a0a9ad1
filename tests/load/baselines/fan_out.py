"""A bare writer: whatever the first connection sends is written to all that came after it."""

import asyncio
import sys
from typing import Any, ClassVar

import uvloop


class _Connection(asyncio.Protocol):
    sender: "_Connection | None" = None
    receivers: ClassVar[list[Any]] = []

    def connection_made(self, transport: Any) -> None:
        if _Connection.sender is None:
            _Connection.sender = self
        else:
            _Connection.receivers.append(transport)

    def data_received(self, data: bytes) -> None:
        for receiver in _Connection.receivers if _Connection.sender is self else ():
            receiver.write(data)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
