"""A bare FastAPI route that answers JSON of a given file, on the server and the event loop that services have."""

import sys
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI


def _app(content: Any) -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/{path:path}")
    async def answer() -> Any:
        return content

    return app


if __name__ == "__main__":
    read = orjson.loads(Path(sys.argv[2]).read_bytes())
    uvicorn.run(_app(read), port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="error")
