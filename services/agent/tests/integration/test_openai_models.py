"""Models behind HTTP: what they answer is carried out, and whatever fails there is told in a sentence."""

from collections.abc import AsyncIterator

import pytest

from agent.adapters.openai_provider import ATTEMPTS, OpenAIModels
from agent.application.loop import ModelFailed

from ..builders import a_task
from ..model_server import FAILURES, ModelServer
from ..world import World

ORDER = a_task("create a project called Summer Tour", model="test:stand-in")
DONE = "Done: I created the project “Summer Tour”."
SHORT_S = 0.5

SAID = {
    "401": "The model's provider refused the request.",
    "429": "The model has too much to do at the moment.",
    "500": "The model could not be reached, or its answer could not be read.",
    "half": "The model could not be reached, or its answer could not be read.",
    "bad-bytes": "The model could not be reached, or its answer could not be read.",
    "empty": "The model gave no usable answer.",
    "silence": "The model did not answer in time.",
}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer.listening() as server:
        yield server


def world_of(server: ModelServer, seconds: float = 30) -> World:
    return World(provider=OpenAIModels(server.url, "a key", seconds))


async def test_what_a_model_behind_http_answers_is_carried_out(server: ModelServer) -> None:
    world = world_of(server)
    assert await world.worker()(world.lease(), ORDER) == DONE
    assert [one["name"] for one in world.modules.modules.values()] == ["Summer Tour"]
    assert list(server.answered.values()) == [1, 1]


async def test_a_worker_that_takes_over_asks_for_no_answer_again(server: ModelServer) -> None:
    world = world_of(server)
    lease = world.lease()
    assert [await world.worker()(lease, ORDER) for _ in range(2)] == [DONE, DONE]
    assert list(server.answered.values()) == [1, 1]


@pytest.mark.parametrize("failure", ["429", "500", "half"])
async def test_an_answer_that_fails_for_a_moment_is_asked_for_again(server: ModelServer, failure: str) -> None:
    world = world_of(server)
    server.failure = lambda: failure if server.asked < ATTEMPTS else None
    assert await world.worker()(world.lease(), ORDER) == DONE
    assert server.asked == ATTEMPTS + 1


@pytest.mark.parametrize("failure", SAID)
async def test_a_model_that_fails_for_good_ends_the_run_with_a_sentence(server: ModelServer, failure: str) -> None:
    world = world_of(server, SHORT_S if failure == "silence" else 30)
    server.failure = lambda: failure
    with pytest.raises(ModelFailed) as failed:
        await world.worker()(world.lease(), ORDER)
    assert failed.value.reason == SAID[failure]
    assert not world.modules.effects


async def test_a_refusal_that_would_come_again_is_asked_for_once(server: ModelServer) -> None:
    world = world_of(server)
    server.failure = lambda: "401"
    with pytest.raises(ModelFailed):
        await world.worker()(world.lease(), ORDER)
    assert server.asked == 1


async def test_nothing_listening_is_told_as_well() -> None:
    world = World(provider=OpenAIModels("http://127.0.0.1:9/v1", "a key", 30))
    with pytest.raises(ModelFailed, match="could not be reached"):
        await world.worker()(world.lease(), ORDER)


def test_every_failure_of_the_stand_in_is_tried() -> None:
    assert SAID.keys() == set(FAILURES)
