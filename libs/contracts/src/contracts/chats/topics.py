"""Topics of chats."""

from datetime import timedelta

from contracts.topics import Topic

CHATS = Topic("chats-chats", "aggregate", "chat id", timedelta(days=30), "chats")
