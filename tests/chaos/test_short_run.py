"""A short run against the whole system: the way from the clients to the verdict works, and every invariant holds."""

from pathlib import Path

import pytest

from ..stack import Stack
from .around import Around
from .drive import Settings, run


@pytest.fixture
def untouched_stack(stacks: list[Stack], request: pytest.FixtureRequest) -> Stack:
    """The one that tests share: what others plant and change in it would be found, so this test has to be the first."""
    if stacks:
        pytest.fail("another test had the stack before: run this one first")
    stack: Stack = request.getfixturevalue("stack")
    if not stack.owns_servers:
        pytest.skip("PostgreSQL and Kafka are named by the environment, so they are not ours to harm")
    return stack


@pytest.mark.parametrize(("seed", "faults"), [(1, ("repeat", "sigterm"))], ids=["seed 1: repeat, sigterm"])
async def test_every_invariant_holds_in_a_short_run(
    untouched_stack: Stack, tmp_path: Path, seed: int, faults: tuple[str, ...]
) -> None:
    settings = Settings(seed, 0.2, faults, tmp_path / "run", crash_point="relay.acked", members=2)
    text, violations = await run(untouched_stack, settings, Around.nothing())
    assert violations == [], text
    assert '"op": "send-message"' in (settings.folder / "history.jsonl").read_text()
