"""Made incidents for benches of the feed and of queries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from schemas.events import Incident, IncidentChange, IncidentWrite, Status, Text
from schemas.events.incident import Change
from tests.bench.workload import HEIGHT, SOUTH, WEST, WIDTH

KINDS = ("flood.urban", "flood.river", "fire.smoke", "order.crowd", "infra.offline")
STREETS = ("Nguyễn Huệ", "Lê Lợi", "Trần Phú", "Hùng Vương", "Bạch Đằng", "Điện Biên Phủ")


def opened(name: str, chance: random.Random, at: datetime) -> IncidentWrite:
    """Give a new incident somewhere in the bench's area."""
    severity, kind = chance.randint(1, 5), chance.choice(KINDS)
    incident = Incident(
        id=name,
        kind=kind,
        title=Text(vi=f"Sự cố tại đường {chance.choice(STREETS)} số {chance.randint(1, 999)}", en=f"Incident {name}"),
        severity=severity,
        status=chance.choice([Status.NEW, Status.ACKNOWLEDGED, Status.CLOSED]),
        opened_at=at,
        updated_at=at,
        last_signal_at=at,
        version=1,
        lon=WEST + WIDTH * chance.random(),
        lat=SOUTH + HEIGHT * chance.random(),
        commune=str(10_000 + chance.randrange(100)),
        agency="bench",
    )
    change = IncidentChange(
        incident=name, version=1, change=Change.OPENED, at=at, actor="rule:bench", severity=severity, status=Status.NEW
    )
    return IncidentWrite(incident=incident, expected_version=None, changes=(change,))


def commented(before: Incident, text: str) -> IncidentWrite:
    """Give the next version of an incident, with a comment."""
    now, version = datetime.now(UTC), before.version + 1
    values = {name: getattr(before, name) for name in before.__struct_fields__}
    after = Incident(**values | {"version": version, "updated_at": now})
    change = IncidentChange(
        incident=after.id, version=version, change=Change.COMMENTED, at=now, actor="bench", severity=after.severity,
        status=after.status, detail={"text": text},
    )  # fmt: skip
    return IncidentWrite(incident=after, expected_version=before.version, changes=(change,))


def many(count: int) -> Iterator[IncidentWrite]:
    """Give incidents of the last 90 days, oldest first; seeded."""
    chance, now = random.Random(6), datetime.now(UTC)
    for n in range(count):
        yield opened(f"bench-{n}", chance, now - timedelta(days=90) * (1 - n / count))
