from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.events import Lane
from schemas.store.abstract import Commit, Offset
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS
from streams.app import LaneApp
from streams.metrics import DELETED_UNREAD
from streams.store import StoreHop
from streams.watermark import Place

PLACE = Place(OBSERVATIONS.name, 0)


class Log:
    """A log that keeps some records."""

    def __init__(self, begin: int, end: int) -> None:
        self.kept = (begin, end)

    async def bounds(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        return dict.fromkeys(places, self.kept)


def deleted() -> float:
    """Give how many records the metric says were deleted unread."""
    return float(DELETED_UNREAD.labels("store", PLACE.topic)._value.get())


@pytest.fixture
async def app() -> LaneApp:
    store = MemoryStore()
    await store.commit(Commit(offset=Offset("store", PLACE.topic, 0, 1000)))
    return LaneApp(Lane.BULK, "127.0.0.1:1", store, [StoreHop(OBSERVATIONS, store)])


async def test_records_that_retention_took_unread_are_told_once(app: LaneApp, caplog: pytest.LogCaptureFixture) -> None:
    """They are lost: silence would break G1 twice. A rebalance later nothing more was lost."""
    before = deleted()
    log: Any = Log(5000, 6000)
    assert await app._starts(log, [PLACE]) == {PLACE: 5000}
    assert "records 1000 to 4999" in caplog.text
    await app._starts(log, [PLACE])
    assert deleted() - before == 4000


async def test_a_log_that_is_kept_long_enough_is_no_news(app: LaneApp) -> None:
    """It goes on where the database says."""
    before = deleted()
    log: Any = Log(1000, 6000)
    assert await app._starts(log, [PLACE]) == {PLACE: 1000}
    assert deleted() == before
