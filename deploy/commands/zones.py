"""`canh zones`: imports areas from GeoJSON and lists them."""

from __future__ import annotations

import json as jsonlib
from collections import Counter
from datetime import date
from pathlib import Path

from cyclopts import App

from deploy.commands.terminal import results, show, with_store
from deploy.noted import noted
from geo.geojson import zones_from_geojson
from schemas.errors import UsageError
from schemas.store.abstract import Store

app = App(name="zones", help="Areas: communes, squares, districts of your own.")


@app.command(name="import")
def import_zones(
    file: Path,
    /,
    *,
    kind: str,
    valid_from: date,
    code_field: str = "code",
    name_field: str = "name",
    approximate: bool = False,
) -> None:
    """Import the polygons of a GeoJSON file; equal ones are left alone, changed shapes get a new version.

    Parameters
    ----------
    file
        A GeoJSON FeatureCollection in WGS 84 (lon, lat).
    kind
        What they are, such as commune.
    valid_from
        First day they hold (YYYY-MM-DD).
    code_field
        The property with the code.
    name_field
        The property with the name.
    approximate
        They are not official shapes.
    """
    try:
        document = jsonlib.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"{file} is not JSON: {error}.") from None
    zones = zones_from_geojson(
        document,
        kind=kind,
        valid_from=valid_from,
        code_field=code_field,
        name_field=name_field,
        approximate=approximate,
    )

    async def go(store: Store) -> None:
        await store.put_zones(zones)
        await store.audit(noted("zones.import", kind, file=file.name, count=str(len(zones))))

    with_store(go)
    results.print(f"{len(zones)} zones of kind {kind} imported; workers use them within seconds.")


@app.command(name="list")
def list_zones(*, kind: str | None = None, json: bool = False) -> None:
    """List zones (all kinds: only their counts).

    Parameters
    ----------
    kind
        List each zone of this kind.
    json
        Print JSON.
    """
    zones = with_store(lambda store: store.zones(kind))
    if kind is None:
        counts = Counter(zone.kind for zone in zones)
        show("Zones", ("kind", "count"), sorted(counts.items()), as_json=json)
        return
    rows = [(zone.id, zone.name, zone.valid_from, zone.valid_to, zone.version, zone.approximate) for zone in zones]
    show("Zones", ("id", "name", "valid_from", "valid_to", "version", "approximate"), rows, as_json=json)
