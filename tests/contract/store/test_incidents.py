from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.codec import decode_feed_entry
from schemas.errors import ConflictError
from schemas.events import Action, Change, IncidentWrite, Status
from schemas.standing import Episode, Reach, Standing
from schemas.store.abstract import Commit, Scope, Store
from schemas.store.security import AuditEntry
from schemas.store.timescale import TimescaleStore
from schemas.topics import INCIDENTS
from tests.contract.store.samples import T0, at, change, changed, incident, link, opened, signal

#: Where `incident()` is.
LON, LAT = 108.05, 12.68


async def test_an_incident_is_opened_and_changed(store: Store) -> None:
    """The incident is as last written; its timeline holds every change with the incident as it stood then."""
    assert (await store.commit(Commit(incidents=[opened()]))).feed_ids == (1,)
    second = changed(2, Change.ACKNOWLEDGED, status=Status.ACKNOWLEDGED, updated_at=at(5))
    assert (await store.commit(Commit(incidents=[second]))).feed_ids == (2,)
    assert await store.incident("incident-1") == second.incident
    assert await store.incident("unknown") is None
    lines = await store.timeline("incident-1")
    assert [(e.feed_id, e.change.change, e.incident.version) for e in lines] == [
        (1, Change.OPENED, 1),
        (2, Change.ACKNOWLEDGED, 2),
    ]
    assert lines[1].change == second.changes[0]
    assert lines[0].recorded_at <= lines[1].recorded_at


async def test_every_change_waits_for_the_bus(store: Store) -> None:
    """The outbox gets the very feed entry, with the incident's id as key."""
    await store.commit(Commit(incidents=[opened()]))
    (item,) = await store.outbox(10)
    assert (item.topic, item.key) == (INCIDENTS.name, "incident-1")
    assert [decode_feed_entry(item.value)] == await store.feed(0, 10)
    assert dict(item.headers)["ce_type"] == b"vn.canh.feed_entry.v1"


async def test_a_wrong_version_is_a_conflict(store: Store) -> None:
    """An order that expects another version, or opens what is open, raises ConflictError and changes nothing."""
    await store.commit(Commit(incidents=[opened()]))
    before = await store.checksum()
    for write in (changed(3), opened(severity=4), IncidentWrite(incident=incident(), expected_version=7, changes=())):
        with pytest.raises(ConflictError, match="incident-1"):
            await store.commit(Commit(incidents=[write]))
    with pytest.raises(ConflictError):
        await store.commit(Commit(incidents=[changed(2, id="unknown")]))
    assert await store.checksum() == before


async def test_repeating_an_order_changes_nothing(store: Store) -> None:
    """After a lost answer the same order may come again: same feed ids, no second line, no second record."""
    step = Commit(
        signals=[signal()],
        incidents=[
            IncidentWrite(
                incident=incident(version=2),
                expected_version=None,
                changes=(change(incident()), change(incident(version=2), Change.SIGNAL)),
                links=(link(),),
            ),
            changed(3, Change.COMMENTED),
        ],
        audit=[AuditEntry(T0, "an", "comment", "incident-1", "ok", {"text": "đang tới"})],
    )
    first = await store.commit(step)
    await store.commit(Commit(incidents=[changed(4)]))
    before = await store.checksum()
    again = await store.commit(step)
    assert first.feed_ids == again.feed_ids == (1, 2, 3)
    assert await store.checksum() == before


async def test_two_people_at_once_one_wins(store: Store) -> None:
    """Of many orders that expect the same version exactly one is carried out."""
    await store.commit(Commit(incidents=[opened()]))
    orders = [
        IncidentWrite(
            incident=incident(version=2, assignee=f"team-{i}"),
            expected_version=1,
            changes=(change(incident(version=2), actor=f"operator-{i}"),),
        )
        for i in range(8)
    ]
    results = await asyncio.gather(
        *(store.commit(Commit(incidents=[order])) for order in orders), return_exceptions=True
    )
    assert sum(isinstance(result, ConflictError) for result in results) == 7
    assert [entry.feed_id for entry in await store.feed(0, 100)] == [1, 2]


async def test_two_workers_that_open_the_same_incident_make_one(store: Store) -> None:
    """The second of two different openings of one identity is a conflict."""
    results = await asyncio.gather(
        *(store.commit(Commit(incidents=[opened(severity=i)])) for i in range(1, 5)), return_exceptions=True
    )
    assert sum(isinstance(result, ConflictError) for result in results) == 3
    assert await store.feed_head() == 1


async def test_commits_without_incidents_leave_the_feed_alone(store: Store) -> None:
    """Telemetry and signals never touch the feed's head."""
    before = await store.checksum()
    await store.commit(Commit(signals=[signal()]))
    after = await store.checksum()
    changed_tables = {name for name in after if after[name] != before[name]}
    assert changed_tables == {"signal", "outbox"}


def reach(**changes: Any) -> Reach:
    """Give what a fire signal at the place of `incident()` asks for, changed."""
    asked: dict[str, Any] = {"signal": "s", "episode": "e", "kind": "fire", "since": at(-60), "until": at(60)}
    return Reach(**(asked | {"box": (LON - 0.01, LAT - 0.01, LON + 0.01, LAT + 0.01), "commune": "24133"} | changes))


async def test_the_standing_has_what_signals_may_join(store: Store) -> None:
    """Open incidents of the kind in reach: by place, else by commune; closed ones and other kinds are left out."""
    await store.commit(
        Commit(
            incidents=[
                opened(),
                opened(id="b", opened_at=at(-5), status=Status.RESOLVED, lon=None, lat=None),
                opened(id="c", status=Status.CLOSED),
                opened(id="d", kind="flood"),
            ]
        )
    )
    assert [i.id for i in (await store.standing([reach()])).incidents] == ["b", "incident-1"]
    placeless = await store.standing([reach(box=None)])
    assert [i.id for i in placeless.incidents] == ["b", "incident-1"]
    assert await store.standing([]) == Standing()


async def test_the_standing_reads_no_more_than_it_must(database_store: TimescaleStore) -> None:
    """The database leaves out what is too far, too old and not held, too new, or of another commune."""
    near = [
        opened(lon=LON + 0.005),
        opened(id="far", lon=LON + 0.02),
        opened(id="old", opened_at=at(-7200), last_signal_at=at(-3600), cleared_at=at(-3600)),
        opened(id="held", opened_at=at(-7200), last_signal_at=at(-3600)),
        opened(id="new", opened_at=at(3600), last_signal_at=at(3600)),
        opened(id="there", lon=None, lat=None),
        opened(id="elsewhere", lon=None, lat=None, commune="1"),
    ]
    await database_store.commit(Commit(incidents=near))
    found = await database_store.standing([reach(), reach(signal="t", episode="f", kind="flood")])
    assert [i.id for i in found.incidents] == ["held", "incident-1", "there"]
    nowhere = await database_store.standing([reach(box=None, commune=None)])
    assert nowhere.incidents == ()


async def test_evidence_tells_signals_links_and_episodes(store: Store) -> None:
    """Signals of an incident come oldest first; an episode is cleared when a clear signal belongs to it."""
    raised = signal()
    cleared = signal(id="signal-2", action=Action.CLEAR, observed_at=at(60))
    other = signal(id="signal-3", episode="episode-2", observed_at=at(30))
    links = (link(), link(signal="signal-2"), link(signal="signal-3", episode="episode-2", distance_m=None))
    write = IncidentWrite(incident=incident(), expected_version=None, changes=(change(incident()),), links=links)
    await store.commit(Commit(signals=[raised, cleared, other], incidents=[write]))
    found = await store.evidence("incident-1")
    assert found == [(links[0], raised), (links[2], other), (links[1], cleared)]
    asked = [("signal-1", "episode-1"), ("signal-3", "x"), ("signal-9", "y")]
    known = await store.standing([reach(signal=s, episode=e, box=None, commune=None) for s, e in asked])
    assert known.linked == {"signal-1", "signal-3"}
    assert known.homes == {"episode-1": "incident-1"}
    assert known.episodes["incident-1"] == {
        "episode-1": Episode("gauge-1", at(60)),
        "episode-2": Episode("gauge-1"),
    }


async def test_a_closed_incident_stands_for_its_own_episodes(store: Store) -> None:
    """Only who knows the episode learns of it: it may have to be opened again."""
    write = IncidentWrite(
        incident=incident(status=Status.CLOSED), expected_version=None, changes=(change(incident()),), links=(link(),)
    )
    await store.commit(Commit(signals=[signal()], incidents=[write]))
    assert (await store.standing([reach()])).incidents == ()
    assert (await store.standing([reach(episode="episode-1")])).incidents == (write.incident,)


@pytest.mark.parametrize(
    ("device", "scope", "found"),
    [
        ("gauge-1", Scope(), True),
        ("gauge-1", Scope(agencies=frozenset({"fire-dept"})), True),
        ("gauge-1", Scope(agencies=frozenset({"rescue"})), False),
        ("gauge-1", Scope(communes=frozenset({"1"})), False),
        ("gauge-2", Scope(), False),
        ("x\x00", Scope(), False),
    ],
)
async def test_a_device_is_evidence_of_what_a_reader_may_see(
    store: Store, device: str, scope: Scope, found: bool
) -> None:
    """Only a signal that belongs to a visible incident counts; one of no incident does not."""
    write = IncidentWrite(incident=incident(), expected_version=None, changes=(change(incident()),), links=(link(),))
    await store.commit(Commit(signals=[signal(device="gauge-1")], incidents=[write]))
    await store.commit(Commit(signals=[signal(id="signal-2", device="gauge-2")]))
    assert await store.is_evidence(device, scope) == found
