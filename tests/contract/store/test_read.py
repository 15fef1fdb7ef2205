from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from schemas.errors import UsageError
from schemas.events import Status, Text
from schemas.store.abstract import Commit, IncidentQuery, Scope, Store
from tests.contract.store.samples import T0, at, batch, dead_letter, observation, opened, zone

THREE = [
    opened(id="fire", updated_at=at(10), agency="fire-dept", commune="24133"),
    opened(
        id="flood",
        kind="flood",
        severity=5,
        updated_at=at(30),
        opened_at=at(20),
        status=Status.ASSIGNED,
        commune="22240",
        agency="rescue",
        lon=109.3,
        lat=13.1,
        title=Text(vi="Lũ sông Ba ở Củng Sơn", en="Flood of the Ba river, 100% sure_"),
    ),
    opened(id="nowhere", kind="noise", severity=1, updated_at=at(20), lon=None, lat=None, commune=None, agency=None),
]


async def ids(store: Store, **given: object) -> list[str]:
    query = IncidentQuery(**given)  # type: ignore[arg-type]  # the tests name the filters
    return [incident.id for incident in (await store.incidents(query, 50)).items]


async def test_incidents_newest_update_first(store: Store) -> None:
    """Without filters all come, and the page knows the feed's head."""
    await store.commit(Commit(incidents=THREE))
    page = await store.incidents(IncidentQuery(), 50)
    assert [incident.id for incident in page.items] == ["flood", "nowhere", "fire"]
    assert (page.cursor, page.feed_id) == (None, 3)
    assert page.items[0] == THREE[1].incident


def ordered(each: object) -> str:
    """Name a case the same in every process: the order of a set is not."""
    if isinstance(each, dict):
        return str({name: sorted(value) if isinstance(value, frozenset) else value for name, value in each.items()})
    return str(each)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"bbox": (108.0, 12.0, 108.5, 13.0)}, ["fire"]),
        ({"bbox": (108.05, 12.68, 109.3, 13.1)}, ["flood", "fire"]),
        ({"communes": frozenset({"22240", "x"})}, ["flood"]),
        ({"kinds": frozenset({"fire", "noise"})}, ["nowhere", "fire"]),
        ({"statuses": frozenset({"assigned"})}, ["flood"]),
        ({"agencies": frozenset({"rescue"})}, ["flood"]),
        ({"severity_min": 3}, ["flood", "fire"]),
        ({"since": at(20)}, ["flood", "nowhere"]),
        ({"until": at(20)}, ["nowhere", "fire"]),
        ({"kinds": frozenset({"fire"}), "severity_min": 4}, []),
        ({"text": "chay nha"}, ["nowhere", "fire"]),
        ({"text": "NHÀ  cháy"}, ["nowhere", "fire"]),
        ({"text": "củng sơn"}, ["flood"]),
        ({"text": "100% sure_"}, ["flood"]),
        ({"text": "1%0"}, []),
        ({"text": "river_"}, []),
        ({"text": "\\"}, []),
        ({"text": "buon ma thuot"}, ["fire"]),
        ({"scope": Scope(agencies=frozenset({"fire-dept"}))}, ["fire"]),
        ({"scope": Scope(communes=frozenset({"22240"}))}, ["flood"]),
        ({"scope": Scope(agencies=frozenset({"fire-dept"}), communes=frozenset({"22240"}))}, []),
        ({"scope": Scope(agencies=frozenset())}, []),
    ],
    ids=ordered,
)
async def test_filters(store: Store, given: dict[str, object], found: list[str]) -> None:
    """Each filter lets through what it says; text is compared without accents and means itself, not a pattern."""
    await store.put_zones([zone()])
    await store.commit(Commit(incidents=THREE))
    assert await ids(store, **given) == found


async def test_one_incident_within_a_scope(store: Store) -> None:
    """What a reader may not see does not exist for that reader."""
    await store.commit(Commit(incidents=THREE))
    assert await store.incident("fire", Scope(agencies=frozenset({"rescue"}))) is None
    assert await store.incident("nowhere", Scope(communes=frozenset({"24133"}))) is None
    seen = await store.incident("fire", Scope(frozenset({"fire-dept"}), frozenset({"24133"})))
    assert seen == THREE[0].incident


async def test_pages_hold_every_incident_once(store: Store) -> None:
    """Cursors lead through all incidents, equal update times too, and the last page has none."""
    writes = [opened(id=f"incident-{i:02}", updated_at=at(i // 4)) for i in range(11)]
    await store.commit(Commit(incidents=writes))
    found: list[str] = []
    cursor: str | None = None
    for expected in (4, 4, 3):
        page = await store.incidents(IncidentQuery(), 4, cursor)
        assert len(page.items) == expected
        found += [incident.id for incident in page.items]
        cursor = page.cursor
    assert cursor is None
    assert found == [f"incident-{i:02}" for i in (10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "====",
        "\u00e9",
        base64.urlsafe_b64encode(b"2026-01-01 a").decode(),
        base64.urlsafe_b64encode(b"\xff").decode(),
    ],
)
async def test_a_foreign_cursor_is_the_users_mistake(store: Store, cursor: str) -> None:
    """What we did not give as a cursor raises UsageError."""
    with pytest.raises(UsageError, match="cursor"):
        await store.incidents(IncidentQuery(), 5, cursor)


async def test_a_search_for_odd_characters_finds_nothing(store: Store) -> None:
    """U+0000 in a question is no failure of the server."""
    await store.commit(Commit(incidents=THREE))
    assert await ids(store, text="a\x00b") == []
    assert await store.incident("a\x00b") is None
    assert await store.event("a\x00b") is None


async def test_series_are_rolled_up(store: Store) -> None:
    """Mean, least, most and count of each step; steps without data are left out; the end does not belong."""
    values = [(0, 1.0), (30, 3.0), (60, 5.0), (200, 7.0)]
    await store.commit(Commit(observations=batch(*(observation(observed_at=at(s), value=v) for s, v in values))))
    points = await store.series("gauge-1", "water_level", T0, at(200), 60)
    assert [(p.at, p.mean, p.minimum, p.maximum, p.count) for p in points] == [
        (T0, 2.0, 1.0, 3.0, 2),
        (at(60), 5.0, 5.0, 5.0, 1),
    ]
    assert await store.series("gauge-1", "rain", T0, at(999), 60) == []


async def test_a_day_begins_at_midnight_in_viet_nam(store: Store) -> None:
    """17:00 UTC is the next day there."""
    midnight = T0.replace(hour=17)
    times = (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=23))
    await store.commit(Commit(observations=batch(*(observation(observed_at=t) for t in times))))
    points = await store.series("gauge-1", "water_level", T0, midnight + timedelta(days=1), 86_400)
    assert [(p.at, p.count) for p in points] == [(midnight - timedelta(days=1), 1), (midnight, 2)]


async def test_refusals_are_listed_newest_first(store: Store) -> None:
    """Filters by source and reason, a limit, and counts by reason."""
    letters = [
        dead_letter(raw=b"1"),
        dead_letter(raw=b"2", received_at=at(5), reason="bad_time"),
        dead_letter(raw=b"3", received_at=at(9), source="cameras"),
    ]
    await store.commit(Commit(dead_letters=letters))
    assert await store.dead_letters() == letters[::-1]
    assert await store.dead_letters(limit=1) == letters[2:]
    assert await store.dead_letters(source="river", reason="bad_time") == [letters[1]]
    assert await store.refusals() == {"bad_json": 2, "bad_time": 1}


async def test_a_resolved_refusal_that_comes_again_is_open_again(store: Store) -> None:
    """Sent again and refused again: open, one attempt more; the same record read twice changes nothing."""
    letter = dead_letter()
    await store.commit(Commit(dead_letters=[letter]))
    assert await store.resolve_dead_letters([letter.id, "x"], at(60)) == 1
    assert await store.dead_letters() == []
    (kept,) = await store.dead_letters(unresolved=False)
    assert kept.resolved_at == at(60)
    await store.commit(Commit(dead_letters=[letter]))
    assert await store.refusals() == {}
    again = dead_letter(received_at=at(61), offset=99)
    await store.commit(Commit(dead_letters=[again]))
    (reopened,) = await store.dead_letters()
    assert (reopened.attempts, reopened.offset, reopened.received_at) == (1, 7, T0)
    assert await store.resolve_dead_letters([letter.id], at(60)) == 0
    before = await store.checksum()
    await store.commit(Commit(dead_letters=[letter]))
    await store.commit(Commit(dead_letters=[again]))
    assert await store.checksum() == before
