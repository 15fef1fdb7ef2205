"""Bench `query`: what people ask over HTTP while the tables are large: pages of incidents, a search, charts."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from deploy.stack import api_url
from schemas.events import Device
from schemas.store.abstract import Commit
from tests.bench.incidents import many
from tests.bench.measure import Figure, Result, percentile
from tests.bench.people import cookie
from tests.bench.stage import Stage, stage, store_of
from tests.bench.workload import HEIGHT, SOURCE, SOUTH, WEST, WIDTH

#: The table grows day by day into the past until a month is there, or this time or half of the disk's room is used up.
FILL_S, DAYS = 1_800.0, 30
#: A reading a minute of so many makes 10^8 in a month, 25 GB.
DEVICES, QUICK_DEVICES, QUICK_DAYS = 2_400, 100, 3
INCIDENTS, QUICK_INCIDENTS = 20_000, 2_000
TIMES, QUICK_TIMES = 50, 10
_FILL = """
INSERT INTO observation (observed_at, device, metric, value, source, received_at, lon, lat, commune, zone_ids, marks)
SELECT at, 'bench:' || d, 'water_level', 3 + sin(extract(epoch FROM at) / 7000 + d) + random() / 10, 'bench', at,
       108 + d * 0.0001, 12.6, '10000', '{commune:10000}', '{}'
FROM generate_series(%(start)s::timestamptz, %(start)s::timestamptz + interval '1 day' - interval '1 minute',
                     interval '1 minute') AS at, generate_series(0, %(devices)s - 1) AS d
"""
_SIZE = "SELECT pg_database_size(current_database())"


def bench(runs: int, *, quick: bool) -> Result:
    """Fill once, then ask each question again and again, `runs` rounds of it."""
    devices, days = (QUICK_DEVICES, QUICK_DAYS) if quick else (DEVICES, DAYS)
    with stage() as made:
        rounds = 1 if quick else runs
        logins, filled = asyncio.run(_fill(made, devices, days, QUICK_INCIDENTS if quick else INCIDENTS, rounds))
        made.start_api()
        times = QUICK_TIMES if quick else TIMES
        done = [asyncio.run(_ask(made, login, devices, times)) for login in logins]
    figures = [
        Figure(f"{name}, p{share * 100:.0f}", "ms", [percentile(one[name], share) for one in done])
        for name in done[0]
        for share in (0.5, 0.95)
    ]
    return Result("query", figures, [filled])


async def _fill(made: Stage, devices: int, days: int, incidents: int, readers: int) -> tuple[list[str], str]:
    """Fill the tables; give a cookie for each reader, as one may not ask that often, and what is there now."""
    store = store_of(made)
    await store.open()
    await store.put_sources([SOURCE])
    await store.put_devices([_device(n) for n in range(devices)])
    writes = list(many(incidents))
    for start in range(0, incidents, 500):
        await store.commit(Commit(incidents=writes[start : start + 500]))
    logins = [await cookie(store, f"bench-{n}") for n in range(readers)]
    await store.close()
    rows, filled, size_gb, seconds = await asyncio.to_thread(_fill_observations, made.dsn, devices, days)
    size = f"{size_gb:.1f} GB with indexes, filled in {seconds:.0f} s"
    told = f"{rows:,} observations ({devices:,} devices, one a minute, {filled} days, {size})"
    return logins, f"{told}, {incidents:,} incidents; one reader asks over HTTP"


def _device(n: int) -> Device:
    return Device(id=f"bench:{n}", source=SOURCE.id, lon=108 + n * 0.0001, lat=12.6, metrics=("water_level",))


def _fill_observations(dsn: str, devices: int, days: int) -> tuple[int, int, float, float]:
    begun, rows, size, room = time.monotonic(), 0, 0, shutil.disk_usage(tempfile.gettempdir()).free // 2
    today, filled = datetime.now(UTC).replace(second=0, microsecond=0), 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        while filled < days and time.monotonic() - begun < FILL_S and size < room:
            filled += 1
            rows += connection.execute(_FILL, {"start": today - timedelta(days=filled), "devices": devices}).rowcount
            found = connection.execute(_SIZE).fetchone()
            size = found[0] if found else 0
        seconds = time.monotonic() - begun
        connection.execute("VACUUM ANALYZE observation")
    return rows, filled, size / (1 << 30), seconds


async def _ask(made: Stage, login: str, devices: int, times: int) -> dict[str, list[float]]:
    """Give the milliseconds of each question."""
    box = f"{WEST},{SOUTH},{WEST + WIDTH / 4},{SOUTH + HEIGHT / 4}"
    asked = {
        "feed page: 50 newest incidents": "/v1/incidents?limit=50",
        "incident search: a street without accents": "/v1/incidents?limit=50&q=nguyen+hue+so+12",
        "incident search: box and status": f"/v1/incidents?limit=50&bbox={box}&status=new",
        "one incident with its timeline": "/v1/incidents/bench-{n}",
        "chart of 24 h": "/v1/devices/bench:{n}/observations?metric=water_level",
        "chart of 30 days": "/v1/devices/bench:{n}/observations?metric=water_level&from={month}",
    }
    month = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    found: dict[str, list[float]] = {}
    async with httpx.AsyncClient(base_url=api_url(made.settings), headers={"Cookie": login}, timeout=60) as client:
        for name, path in asked.items():
            urls = [path.format(n=n * 37 % devices, month=month) for n in range(times)]
            found[name] = [await _one(client, url) for url in urls]
    return found


async def _one(client: httpx.AsyncClient, url: str) -> float:
    begun = time.perf_counter()
    (await client.get(url)).raise_for_status()
    return (time.perf_counter() - begun) * 1000
