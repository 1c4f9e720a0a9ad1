"""A short run against a system of its own: the way from the clients to the verdict works, and every invariant holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..stack import Stack
from .drive import Settings, run


@pytest.fixture
def own_stack() -> Iterator[Stack]:
    """Not the one of the other tests: what they plant and change would be found."""
    Stack.sweep()
    stack = Stack.of_this_process()
    try:
        stack.start()
        if not stack.owns_servers:
            pytest.skip("PostgreSQL and Kafka are named by the environment, so they are not ours to harm")
        yield stack
    finally:
        stack.stop()


@pytest.mark.parametrize(("seed", "faults"), [(1, ("repeat", "sigterm"))], ids=["seed 1: repeat, sigterm"])
async def test_every_invariant_holds_in_a_short_run(
    own_stack: Stack, tmp_path: Path, seed: int, faults: tuple[str, ...]
) -> None:
    settings = Settings(seed, 0.2, faults, tmp_path / "run", crash_point="relay.acked", members=2)
    text, violations = await run(own_stack, settings)
    assert violations == [], text
    assert '"op": "send-message"' in (settings.folder / "history.jsonl").read_text()
