"""Creates the declared topics: `python -m chassis.kafka.topics`, with `STOA_KAFKA_*` of a user who may.

A topic that is there stays as it is: its partitions are fixed for its life, since a change would break the order per
key. `STOA_KAFKA_REPLICATION` (default 1) is the replication factor of new ones.
"""

import asyncio
import os
from collections.abc import Sequence

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from rich.console import Console

from chassis.kafka.connection import Kafka
from contracts.registry import all_topics
from contracts.topics import Topic


async def create_topics(kafka: Kafka, topics: Sequence[Topic], *, replication: int = 1) -> list[str]:
    """Creates those of `topics` that are missing and answers their names. Raises KafkaError for a refusal."""
    missing = set(await kafka.missing_topics(topic.name for topic in topics))
    wanted = [topic for topic in topics if topic.name in missing]
    if not wanted:
        return []
    admin = kafka.admin()
    await admin.start()
    try:
        answer = await admin.create_topics([_new(kafka, topic, replication) for topic in wanted])
    finally:
        await admin.close()
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(name)
    return [topic.name for topic in wanted]


async def delete_topics(kafka: Kafka, topics: Sequence[Topic]) -> None:
    """Deletes topics: for the end of a test suite, which took names of its own. A broker keeps each for ever else."""
    admin = kafka.admin()
    await admin.start()
    try:
        await admin.delete_topics([kafka.topic(topic.name) for topic in topics])
    finally:
        await admin.close()


def _new(kafka: Kafka, topic: Topic, replication: int) -> NewTopic:
    retention_ms = int(topic.retention.total_seconds() * 1000)
    configs = {"retention.ms": str(retention_ms), "message.timestamp.type": "CreateTime"}
    if topic.compacted:
        configs = {"cleanup.policy": "compact"}
    return NewTopic(
        name=kafka.topic(topic.name),
        num_partitions=topic.partitions,
        replication_factor=replication,
        topic_configs=configs,
    )


def main() -> None:
    kafka = Kafka(
        bootstrap=os.environ["STOA_KAFKA_BOOTSTRAP"],
        username=os.environ["STOA_KAFKA_USERNAME"],
        password=os.environ["STOA_KAFKA_PASSWORD"],
        namespace=os.environ.get("STOA_KAFKA_NAMESPACE", ""),
        client_id="topics",
    )
    replication = int(os.environ.get("STOA_KAFKA_REPLICATION", "1"))
    created = asyncio.run(create_topics(kafka, all_topics(), replication=replication))
    console = Console()
    for topic in all_topics():
        console.print(f"{topic.name:<24} {'created' if topic.name in created else 'there'}")


if __name__ == "__main__":
    main()
