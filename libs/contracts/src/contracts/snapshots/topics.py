"""The topic on which readers ask owners for snapshots.

The snapshots themselves are on `<service>-snapshots` of their owner: so the broker's access lists can say who may state
whose facts.
"""

from datetime import timedelta

from contracts.topics import CONTROL_PARTITIONS, Topic

REQUESTS = Topic("snapshot-requests", "record", "topic asked for", timedelta(days=1), "snapshots", CONTROL_PARTITIONS)
"""Every service that rebuilds asks here; its owner answers, so a new service changes nothing at the others."""
