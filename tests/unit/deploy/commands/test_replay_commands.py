from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.commands import dlq, replay
from deploy.settings import Settings
from schemas.events import Source
from schemas.store.abstract import Commit, Offset
from schemas.store.memory import MemoryStore
from tests.contract.store.samples import dead_letter
from tests.doubles import FakePublisher


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MemoryStore:
    """Give the store that the commands work on, beside a broker that keeps what it gets."""
    store = MemoryStore()
    settings = Settings.load().model_copy(update={"home": tmp_path, "kafka": "127.0.0.1:9092"})

    def with_store(work: Callable[[MemoryStore], Any], _settings: object = None) -> Any:
        return asyncio.run(work(store))

    for command in (dlq, replay):
        monkeypatch.setattr(command, "with_store", with_store)
        monkeypatch.setattr(command, "make_publisher", lambda settings: FakePublisher())
        monkeypatch.setattr(command, "settings_here", lambda: settings)
    return store


def log(store: MemoryStore) -> list[tuple[str, str, dict[str, str]]]:
    """Give what was done to what, by whoever sits at this machine."""
    lines = [entry for _, entry in asyncio.run(store.audit_log())]
    assert all(entry.actor.startswith("cli:") for entry in lines)
    return [(entry.action, entry.subject, dict(entry.detail)) for entry in lines]


def test_sending_refusals_again_is_logged(store: MemoryStore) -> None:
    """Who sent what again, and how much of it."""
    letter = dead_letter(received_at=datetime(2026, 3, 1, tzinfo=UTC))
    asyncio.run(store.commit(Commit(dead_letters=[letter])))
    dlq.replay(source="river")
    assert log(store) == [("dlq.replay", "river", {"reason": "", "count": "1"})]


def test_sending_a_file_again_is_logged(store: MemoryStore, tmp_path: Path) -> None:
    """The file's name and how many records it had."""
    asyncio.run(store.put_sources([Source(id="river", kind="sensor", format="native")]))
    file = tmp_path / "day.ndjson"
    file.write_bytes(b"{}\n{}\n")
    replay.replay_file(file, source="river")
    assert log(store) == [("replay.file", "river", {"file": "day.ndjson", "count": "2"})]


def test_reading_a_topic_again_is_logged(store: MemoryStore) -> None:
    """Which hop, and how many partitions."""
    asyncio.run(store.commit(Commit(offset=Offset("store", "canh.events", 0, 7))))
    replay.replay_topic(hop="store")
    assert log(store) == [("replay.topic", "store", {"partitions": "1"})]
