"""Topics of modules, and the one on which it takes orders."""

from datetime import timedelta

from contracts.topics import CONTROL_PARTITIONS, Topic

KINDS = Topic(
    "modules-kinds", "record", "kind's name", timedelta(days=30), "modules", CONTROL_PARTITIONS, compacted=True
)
"""Compacted, and published again at each start: a relay that was frozen may land an older state last."""

MODULES = Topic("modules-modules", "aggregate", "module id", timedelta(days=30), "modules")
COMMANDS = Topic("modules-commands", "record", "run id", timedelta(days=1), "agent")
REPLIES = Topic("modules-replies", "record", "run id", timedelta(days=1), "modules")
SNAPSHOTS = Topic("modules-snapshots", "record", "snapshot id", timedelta(days=1), "modules", CONTROL_PARTITIONS)
