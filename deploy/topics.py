"""Creates and inspects the topics of schemas/topics.py with kafka-python's admin client."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, MemberToRemove, NewTopic
from kafka.errors import KafkaError, NoError, TopicAlreadyExistsError, UnknownMemberIdError

from deploy.local.broker import topic_config
from schemas.errors import BackpressureError
from schemas.topics import EMBEDDED_BYTES, EMBEDDED_MS, TOPICS, Topic

#: Whose word a record's time is. `received_at` is the broker's (LogAppendTime), never the sender's (CreateTime).
STAMPS, BY_BROKER = "message.timestamp.type", "LogAppendTime"

#: Milliseconds until a broker that does not answer is given up; half a minute, kafka-python's own, is long at a prompt.
GIVE_UP_MS = 10_000

# Where no logs were asked for, kafka-python's warnings (of answers of the embedded broker) would stand among findings.
logging.getLogger("kafka").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it: `partitions` 0 when it is missing, `stamps` empty when it does not tell."""

    topic: Topic
    partitions: int
    stamps: str = ""

    @property
    def problem(self) -> str:
        """Say what is wrong, empty when all is well."""
        if self.partitions == 0:
            return "missing"
        if self.partitions < self.topic.partitions:
            return f"has {self.partitions} partitions, {self.topic.partitions} are expected"
        if self.stamps not in {"", BY_BROKER}:
            return f"has {STAMPS}={self.stamps}, {BY_BROKER} is expected"
        return ""

    @property
    def fix(self) -> str:
        """Say what to do about the problem, empty when there is none."""
        if not self.problem:
            return ""
        if self.partitions < self.topic.partitions:
            return "Run `canh topics`."
        return (
            f"Times are the senders' word: kafka-configs.sh --bootstrap-server BROKER --alter --entity-type topics "
            f"--entity-name {self.topic.name} --add-config {STAMPS}={BY_BROKER}"
        )


def create_topics(bootstrap: str, *, embedded: bool, replication: int = 1) -> list[str]:
    """Create what is missing; give the names that were created. Never changes or deletes a topic."""
    admin = _admin(bootstrap)
    try:
        there = set(admin.list_topics())
        missing = [topic for topic in TOPICS if topic.name not in there]
        return [topic.name for topic in missing if _create(admin, topic, embedded=embedded, replication=replication)]
    except KafkaError as error:
        raise BackpressureError(f"The broker at {bootstrap} did not create the topics: {error!r}") from error
    finally:
        admin.close()


def topic_states(bootstrap: str) -> list[TopicState]:
    """Give every topic of ours as the broker has it."""
    admin = _admin(bootstrap)
    try:
        there = set(admin.list_topics())
        described = admin.describe_topics([topic.name for topic in TOPICS if topic.name in there])
        partitions = {_name(entry): len(entry["partitions"]) for entry in described}
        stamps = _stamps(admin, list(partitions))
        return [TopicState(topic, partitions.get(topic.name, 0), stamps.get(topic.name, "")) for topic in TOPICS]
    except KafkaError as error:
        raise BackpressureError(f"The broker at {bootstrap} did not describe the topics: {error!r}") from error
    finally:
        admin.close()


def trim(bootstrap: str, before: Mapping[tuple[str, int], int]) -> None:
    """Delete the records below some offsets; for the embedded broker, which keeps everything in memory."""
    admin = _admin(bootstrap)
    try:
        admin.delete_records({TopicPartition(*place): offset for place, offset in before.items()})
    except KafkaError as error:
        raise BackpressureError(f"The broker at {bootstrap} did not trim its topics: {error!r}") from error
    finally:
        admin.close()


def free_worker(bootstrap: str, worker_id: str) -> list[str]:
    """Take a named worker out of our consumer groups, so that others get its partitions; give the groups it was in.

    For one that is stopped for good: Apache Kafka does this by itself when the session ends, the embedded broker never
    does. One that still runs joins again by itself.
    """
    admin = _admin(bootstrap)
    try:
        groups = [found["group_id"] for found in admin.list_groups() if found["group_id"].startswith("canh-")]
        return [group for group in sorted(groups) if _was_member(admin, group, worker_id)]
    except KafkaError as error:
        raise BackpressureError(f"The broker at {bootstrap} did not free the partitions: {error!r}") from error
    finally:
        admin.close()


def living_groups(bootstrap: str) -> list[str]:
    """Give the names of our consumer groups that have members."""
    admin = _admin(bootstrap)
    try:
        groups = [found["group_id"] for found in admin.list_groups() if found["group_id"].startswith("canh-")]
        found = admin.describe_groups(groups) if groups else {}
        return sorted(group for group, each in found.items() if each["members"])
    except KafkaError as error:
        raise BackpressureError(f"The broker at {bootstrap} did not describe the groups: {error!r}") from error
    finally:
        admin.close()


def _was_member(admin: Any, group: str, worker_id: str) -> bool:
    """Remove a member by the name that streams/app.py gives it; False when there is none of this name."""
    try:
        answers = admin.remove_group_members(group, [MemberToRemove(group_instance_id=f"{group}-{worker_id}")])
    except UnknownMemberIdError:  # how the embedded broker says it; Apache Kafka answers for each member
        return False
    return all(answer is NoError for answer in answers.values())


@contextmanager
def consumer(bootstrap: str, *topics: str, **options: object) -> Iterator[Any]:
    """Give a consumer of no group; raises BackpressureError when the broker is away, or goes away."""
    try:
        made = KafkaConsumer(
            *topics,
            bootstrap_servers=bootstrap.split(","),
            bootstrap_timeout_ms=GIVE_UP_MS,
            group_id=None,
            enable_auto_commit=False,
            **options,
        )
    except KafkaError as error:
        raise BackpressureError(f"No broker answers at {bootstrap}: {error!r}") from error
    try:
        yield made
    except KafkaError as error:
        raise BackpressureError(f"The broker at {bootstrap} does not answer any more: {error!r}") from error
    finally:
        made.close()


def bounds(bootstrap: str) -> dict[tuple[str, int], tuple[int, int]]:
    """Give the first offset kept and the next to be written of every partition of our topics that exists."""
    with consumer(bootstrap) as asking:
        there = asking.topics()
        places = [
            TopicPartition(topic.name, partition)
            for topic in TOPICS
            if topic.name in there
            for partition in asking.partitions_for_topic(topic.name) or ()
        ]
        begins, ends = asking.beginning_offsets(places), asking.end_offsets(places)
        return {(place.topic, place.partition): (begins[place], end) for place, end in ends.items()}


def broker_version(bootstrap: str) -> str:
    """Give the Kafka release whose protocol the broker speaks, by its answer to ApiVersions: it has no other name."""
    admin = _admin(bootstrap)
    try:
        # Its public way asks for the cluster too, and kafka-python 3.0.12 does not understand every broker's answer.
        return ".".join(map(str, admin._manager.broker_version))  # noqa: SLF001
    finally:
        admin.close()


def _stamps(admin: Any, names: Sequence[str]) -> dict[str, str]:
    """Give whose word a record's time is in each topic; left out where we may not ask."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, [STAMPS]) for name in names]
    configs = admin.describe_configs(asked, config_filter="all").get("topic", {}) if asked else {}
    return {name: str(found[STAMPS]["value"]) for name, found in configs.items() if STAMPS in found}


def _name(described: dict[str, Any]) -> str:
    return str(described.get("name") or described.get("topic"))


def _create(admin: Any, topic: Topic, *, embedded: bool, replication: int) -> bool:
    configs = {"retention.ms": str(topic.retention_ms), "cleanup.policy": "delete"}
    if embedded and not topic.read_by_hops:
        configs = topic_config(EMBEDDED_MS, EMBEDDED_BYTES)
    configs[STAMPS] = BY_BROKER
    try:
        admin.create_topics([NewTopic(topic.name, topic.partitions, replication, topic_configs=configs)])
    except TopicAlreadyExistsError:  # another worker was faster
        return False
    return True


def _admin(bootstrap: str) -> Any:
    try:
        return KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","), client_id="canh-admin", bootstrap_timeout_ms=GIVE_UP_MS
        )
    except KafkaError as error:
        raise BackpressureError(f"No broker answers at {bootstrap}: {error!r}") from error
