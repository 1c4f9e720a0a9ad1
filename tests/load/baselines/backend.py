"""A service as quick as can be: it answers every request with the same small JSON object, and reads nothing of it."""

import asyncio
import sys
from typing import Any

import orjson
import uvloop

BODY = orjson.dumps({"id": "0197c2d6-7b5e-7cc1-a7d6-9b41f0c9a001", "title": "Stage plan", "body": "x" * 400})
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
_END = b"\r\n\r\n"


class _Answering(asyncio.Protocol):
    """For requests without a body. A head that comes in parts is answered when its end has come."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._begun = b""

    def data_received(self, data: bytes) -> None:
        read = self._begun + data
        ended = read.count(_END)
        self._begun = read[read.rindex(_END) + len(_END) :] if ended else read
        if ended:
            self._transport.write(_ANSWER * ended)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
