from chassis.testing.waiting import eventually, running

from ..sample.stage import Stage, noting


async def test_a_command_becomes_a_row_behind_the_broker(stage: Stage) -> None:
    async with running(stage.relay(), *stage.consuming(noting("sample.copies"))):
        thing = await stage.make("lamp")
        await stage.rename(thing, "torch")
        assert await eventually(lambda: _two(stage)) == ["lamp", "torch"]


async def _two(stage: Stage) -> list[str]:
    found = await stage.effects("sample.copies")
    return found if len(found) == 2 else []
