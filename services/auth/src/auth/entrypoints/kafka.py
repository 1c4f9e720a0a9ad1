"""Consumers of auth: none, it hears of nobody. (Its own revocations reach it like every process, by the tail.)"""

from collections.abc import Sequence

from auth.application.ports import Transaction
from chassis.kafka.consumer import Consumer


def consumers() -> Sequence[Consumer[Transaction]]:
    return []
