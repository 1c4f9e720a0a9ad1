"""The server that the agents' models live on, and the fault `model`: it fails in every way there is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from services.agent.tests.model_server import FAILURES, ModelServer

from .history import History, Json

SECONDS = 8
"""How long an agent waits for an answer: shorter than in earnest, so that a silent server is met often."""
SLOW_S = (3.0, 7.0)


def settings_for(server: ModelServer) -> dict[str, str]:
    """With these in the environment, the assistants of a system ask this server."""
    return {
        "STOA_ASSISTANT_MODEL": "openai:stand-in",
        "STOA_OPENAI_KEY": "no-secret",
        "STOA_OPENAI_URL": server.url,
        "STOA_MODEL_SECONDS": str(SECONDS),
    }


class Models:
    """An answer takes up to 0.3 s, unless a fault says otherwise."""

    def __init__(self, server: ModelServer, random: Random) -> None:
        self._server, self._random = server, random
        self._answers_within(0.0, 0.3)

    def heal(self) -> None:
        """From now on they answer at once: what has gathered is to be worked off."""
        self._answers_within(0.0, 0.0)

    async def fail(self, _: str) -> Json:
        """For some seconds every request fails in one way, or in any; or all are answered late."""
        how, seconds = self._random.choice((*FAILURES, "any", "slow")), self._random.uniform(3, 12)
        if how == "slow":
            with self.slow():
                await asyncio.sleep(seconds)
        else:
            ways = FAILURES if how == "any" else (how,)
            self._server.failure = lambda: self._random.choice(ways)
            await asyncio.sleep(seconds)
            self._server.failure = lambda: None
        return {"how": how, "seconds": seconds}

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Within the block answers take longer than a lease lasts by itself."""
        self._answers_within(*SLOW_S)
        yield
        self._answers_within(0.0, 0.3)

    def tell(self, history: History) -> None:
        """How often models were asked; which answers were given more than once."""
        repeated = {digest: count for digest, count in self._server.answered.items() if count > 1}
        calls = {"asked": self._server.asked, "answered": self._server.answered.total(), "repeated": repeated}
        history.note("models", "model-calls", calls)

    def _answers_within(self, shortest: float, longest: float) -> None:
        # Chances of its own: how many are taken depends on the runs, what the seed does next must not.
        chances = Random(self._random.random())
        self._server.delay = lambda: chances.uniform(shortest, longest)
