"""Topics of agent."""

from datetime import timedelta

from contracts.topics import CONTROL_PARTITIONS, Topic

AGENTS = Topic("agent-agents", "aggregate", "agent id", timedelta(days=30), "agent")
RUNS = Topic("agent-runs", "aggregate", "run id", timedelta(days=30), "agent")
SNAPSHOTS = Topic("agent-snapshots", "record", "snapshot id", timedelta(days=1), "agent", CONTROL_PARTITIONS)
