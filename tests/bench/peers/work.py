"""The work that every peer does, from raw JSON to rows of the table `observation`: decode, validate, zones, write.

Runs in the peers' venv, so it imports nothing of Canh. Arguments come in the environment, see `run.py`.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import shapely
from shapely.geometry import shape

BOOTSTRAP, DSN, TOPIC = (os.environ[f"PEER_{name}"] for name in ("BOOTSTRAP", "DSN", "TOPIC"))
EVENTS = int(os.environ["PEER_EVENTS"])
#: As the edge does: our metric, and the unit that it must come in.
UNITS = {"water_level": "m", "rain": "mm", "flood_depth": "cm"}
COLUMNS = (
    "observed_at, device, metric, value, source_value, source_unit, source, received_at, lon, lat, commune, zone_ids, "
    "marks"
)
INSERT = (
    f"INSERT INTO observation ({COLUMNS}) VALUES (%s, %s, %s, %s, NULL, NULL, 'bench', now(), %s, %s, %s, %s, '{{}}') "
    "ON CONFLICT (device, metric, observed_at) DO NOTHING"
)
_STAGE = "CREATE TEMP TABLE stage (LIKE observation) ON COMMIT DELETE ROWS"
_FILL = (
    "COPY stage (observed_at, device, metric, value, source, received_at, lon, lat, commune, zone_ids, marks) "
    "FROM STDIN"
)
_MOVE = (
    f"INSERT INTO observation ({COLUMNS}) SELECT {COLUMNS} FROM stage "
    "ON CONFLICT (device, metric, observed_at) DO NOTHING"
)


@dataclass(slots=True)
class Row:
    """One checked reading in its place."""

    at: datetime
    device: str
    metric: str
    value: float
    lon: float
    lat: float
    commune: str | None = None
    zone_ids: Sequence[str] = ()

    def values(self) -> tuple[Any, ...]:
        """Give what INSERT takes."""
        return (
            self.at, self.device, self.metric, self.value, self.lon, self.lat, self.commune, list(self.zone_ids),
        )  # fmt: skip


class Zones:
    """Which polygons hold a point."""

    def __init__(self) -> None:
        known = json.loads(Path(os.environ["PEER_ZONES"]).read_text("utf-8"))
        self._ids = [zone["id"] for zone in known]
        self._tree = shapely.STRtree([shape(zone["geometry"]) for zone in known])

    def place(self, row: Row) -> Row:
        """Fill in the zones of one row."""
        held = [self._ids[i] for i in sorted(self._tree.query(shapely.Point(row.lon, row.lat), predicate="intersects"))]
        return _placed(row, held)

    def place_all(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Fill in the zones of many rows with one question."""
        points = shapely.points([row.lon for row in rows], [row.lat for row in rows])
        held: list[list[str]] = [[] for _ in rows]
        for i, zone in zip(*self._tree.query(points, predicate="intersects"), strict=True):
            held[i].append(self._ids[zone])
        for row, ids in zip(rows, held, strict=True):
            _placed(row, ids)
        return rows


def _placed(row: Row, held: Sequence[str]) -> Row:
    row.zone_ids = held
    row.commune = next((zone.partition(":")[2] for zone in held if zone.startswith("commune:")), None)
    return row


def decoded(raw: bytes | str) -> Row:
    """Decode and check one reading; raises ValueError for a bad one."""
    return checked(json.loads(raw))


def checked(reading: dict[str, Any]) -> Row:
    """Check one reading; raises ValueError for a bad one."""
    at = datetime.fromisoformat(reading["observed_at"])
    value, lon, lat = float(reading["value"]), float(reading["lon"]), float(reading["lat"])
    if at.tzinfo is None or not math.isfinite(value) or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(reading)
    if UNITS[reading["metric"]] != reading["unit"] or not reading["device"]:
        raise ValueError(reading)
    return Row(at, reading["device"], reading["metric"], value, lon, lat)


def connect() -> psycopg.Connection:
    """Open a connection with a stage for `write`."""
    connection = psycopg.connect(DSN)
    connection.execute(_STAGE)
    connection.commit()
    return connection


def write(connection: psycopg.Connection, rows: Sequence[Row]) -> None:
    """Write rows the fastest idempotent way: COPY into a stage, then INSERT what is new; one transaction."""
    with connection.cursor() as cursor:
        with cursor.copy(_FILL) as copy:
            for row in rows:
                copy.write_row((
                    row.at, row.device, row.metric, row.value, "bench", row.at, row.lon, row.lat, row.commune,
                    list(row.zone_ids), [],
                ))  # fmt: skip
        cursor.execute(_MOVE)
    connection.commit()


class Meter:
    """Tells the seconds from the first record to the commit of the last one, and ends the process."""

    def __init__(self) -> None:
        self._begun = self._cpu_s = 0.0
        self._done = 0

    def begin(self) -> None:
        """Note the first record; later ones change nothing."""
        if not self._begun:
            self._begun, self._cpu_s = time.monotonic(), time.process_time()

    def add(self, count: int) -> None:
        """Note committed rows."""
        self._done += count
        if self._done >= EVENTS:
            seconds, cpu_s = time.monotonic() - self._begun, time.process_time() - self._cpu_s
            told = json.dumps({"events": self._done, "seconds": seconds, "cpu_s": cpu_s})
            os.write(1, f"\n{told}\n".encode())  # Faust has taken sys.stdout for its log
            os._exit(0)
