"""Random work on few keys, by many at once, beside a model: each seed is a run of its own."""

import pytest

from ..sample.stage import Stage
from .machine import Machine


@pytest.mark.parametrize("seed", range(1, 6))
async def test_each_key_ends_with_its_events_in_order_each_with_one_effect(stage: Stage, seed: int) -> None:
    await Machine(stage, seed).run()
