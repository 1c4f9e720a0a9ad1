"""A stand-in for a server that speaks OpenAI's chat completions: it answers as the offline model, or fails as told."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiohttp import web
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from agent.adapters.offline_model import OfflineModel

Json: TypeAlias = dict[str, Any]

FAILURES = ("401", "429", "500", "half", "bad-bytes", "empty", "silence")
"""Statuses, an answer that ends half-way, one that is no UTF-8, one that says nothing, none at all."""


class ModelServer:
    """`failure` is asked how to fail the next request, `delay` how many seconds an answer takes."""

    def __init__(self) -> None:
        self.url = ""
        self.failure: Callable[[], str | None] = lambda: None
        self.delay: Callable[[], float] = lambda: 0.0
        self.asked = 0
        self.answered = Counter[str]()
        """How often each conversation, as far as it had gone, was answered in whole; by the digest of what was sent."""

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator["ModelServer"]:
        """Serves at `url`, on a free port."""
        server, app = cls(), web.Application(client_max_size=2**24)
        app.router.add_post("/v1/chat/completions", server._complete)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            server.url = f"http://{host}:{port}/v1"
            yield server
        finally:
            await runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        try:
            return await self._answer(request)
        except ConnectionResetError:  # the client has gone, and nobody hears this
            return web.Response()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        sent = await request.read()
        await asyncio.sleep(self.delay())
        failure = self.failure()
        if failure is not None:
            return await _fail(request, failure)
        body = json.loads(sent)
        answer = web.json_response(_completion(body["model"], await _offline(body)))
        await answer.prepare(request)
        await answer.write_eof()
        self.answered[hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()] += 1
        return answer


async def _fail(request: web.Request, failure: str) -> web.StreamResponse:
    if failure == "silence":
        await asyncio.Event().wait()  # until the client has had enough of it
    if failure == "half":
        return await _half(request)
    if failure == "bad-bytes":
        return web.Response(body=b'{"choices": "\xff\xfe"}', content_type="application/json")
    if failure == "empty":
        return web.json_response(_completion("", ModelResponse(parts=[])))
    said = {"error": {"message": f"The stand-in answers {failure}."}}
    return web.json_response(said, status=int(failure), headers={"retry-after-ms": "50"})


async def _half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"id": "half", "choices": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def _offline(body: Json) -> ModelResponse:
    offered = [one["function"] for one in body.get("tools", [])]
    tools = [ToolDefinition(name=one["name"], parameters_json_schema=one["parameters"]) for one in offered]
    return await OfflineModel().request(_messages(body["messages"]), None, ModelRequestParameters(function_tools=tools))


def _messages(sent: list[Json]) -> list[ModelMessage]:
    """As far as the offline model looks at them."""
    found = list[ModelMessage]()
    for one in sent:
        if one["role"] == "user":
            found.append(ModelRequest(parts=[UserPromptPart(one["content"])]))
        elif one["role"] == "tool":
            returned = ToolReturnPart("", one["content"], tool_call_id=one["tool_call_id"])
            found.append(ModelRequest(parts=[returned]))
    return found


def _completion(model: str, answer: ModelResponse) -> Json:
    message: Json = {"role": "assistant", "content": None}
    for part in answer.parts:
        if isinstance(part, TextPart):
            message["content"] = part.content
        elif isinstance(part, ToolCallPart):
            called = {"name": part.tool_name, "arguments": part.args_as_json_str()}
            message["tool_calls"] = [{"id": part.tool_call_id, "type": "function", "function": called}]
    return {
        "id": "chatcmpl-stand-in",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {"index": 0, "finish_reason": "tool_calls" if "tool_calls" in message else "stop", "message": message}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
