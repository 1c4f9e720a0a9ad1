import resource
import time

from chassis.snapshots.rebuilds import Mode
from chassis.testing.waiting import running

from ..sample.copies import copying
from ..sample.stage import Stage


async def test_speed(stage: Stage) -> None:
    await stage.execute(
        "INSERT INTO things SELECT gen_random_uuid(), :org, 'thing ' || n, 1, 1 FROM generate_series(1, 10000) n",
        org=stage.org_id,
    )
    async with running(*stage.copying(copying())):
        for mode in (Mode.REBUILD, Mode.REBUILD, Mode.CHECK):
            began = time.monotonic()
            m0 = resource.getrusage(resource.RUSAGE_SELF)
            ended = await stage.until_ended(await stage.ask(mode), within=500)
            m1 = resource.getrusage(resource.RUSAGE_SELF)
            print(
                "SPEED",
                mode,
                ended.items,
                ended.differing,
                round(time.monotonic() - began, 1),
                "s cpu",
                round(m1.ru_utime - m0.ru_utime, 1),
                "rss",
                m1.ru_maxrss // 1024,
            )
