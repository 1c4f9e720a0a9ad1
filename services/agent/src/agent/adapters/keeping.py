"""How long the details of runs are kept. The runs themselves, their replies and what they did stay."""

from datetime import timedelta

from chassis.housekeeping import Keep

_KEPT = timedelta(days=90)


_GOES_ON = "EXISTS (SELECT FROM run_leases AS place WHERE place.run_id = old.run_id)"

STEPS = Keep("run_steps", "finished_at", _KEPT, unless=_GOES_ON)
COMMANDS = Keep("run_commands", "sent_at", _KEPT, unless=_GOES_ON)
