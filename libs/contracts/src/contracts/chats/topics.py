"""Topics of chats."""

from datetime import timedelta

from contracts.topics import CONTROL_PARTITIONS, Topic

CHATS = Topic("chats-chats", "aggregate", "chat id", timedelta(days=30), "chats")
SNAPSHOTS = Topic("chats-snapshots", "record", "snapshot id", timedelta(days=1), "chats", CONTROL_PARTITIONS)
