from __future__ import annotations

import pytest

from schemas.events import Status
from schemas.store.abstract import Commit, IncidentQuery, Scope, Store
from schemas.store.counts import IncidentCounts
from tests.contract.store.samples import at, opened

SOME = [
    opened(id="new", severity=5),
    opened(id="seen", severity=5, status=Status.ACKNOWLEDGED, agency="rescue"),
    opened(id="given", severity=2, status=Status.ASSIGNED, commune="22240", updated_at=at(60)),
    opened(id="done", severity=4, status=Status.RESOLVED),
    opened(id="over", severity=1, status=Status.CLOSED),
]


def counts(new: int, **by_severity: int) -> IncidentCounts:
    found = {severity: by_severity.get(f"s{severity}", 0) for severity in range(1, 6)}
    return IncidentCounts(sum(found.values()), new, found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (IncidentQuery(), counts(1, s5=2, s2=1)),
        (IncidentQuery(severity_min=3), counts(1, s5=2)),
        (IncidentQuery(statuses=frozenset({"acknowledged", "closed"})), counts(0, s5=1)),
        (IncidentQuery(since=at(30)), counts(0, s2=1)),
        (IncidentQuery(text="khong co"), counts(0)),
        (IncidentQuery(scope=Scope(agencies=frozenset({"rescue"}))), counts(0, s5=1)),
        (IncidentQuery(scope=Scope(communes=frozenset({"24133"}))), counts(1, s5=2)),
        (IncidentQuery(scope=Scope(agencies=frozenset())), counts(0)),
    ],
    ids=["all", "severe", "two statuses", "since", "text", "of an agency", "of a commune", "of nobody"],
)
async def test_open_incidents_are_counted(store: Store, query: IncidentQuery, found: IncidentCounts) -> None:
    """Neither resolved nor closed ones count, and filter and scope narrow the counts as they narrow the list."""
    await store.commit(Commit(incidents=SOME))
    assert await store.incident_counts(query) == found


async def test_an_empty_store_counts_nothing(store: Store) -> None:
    """Every severity is named, also with nothing in it."""
    assert await store.incident_counts(IncidentQuery()) == counts(0)
