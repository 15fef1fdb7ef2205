"""Reads the approximate communes of the demo's province from the package and gives them as zones."""

from __future__ import annotations

import json
from datetime import date
from importlib import resources

from geo.geojson import zones_from_geojson
from schemas.events import Zone

#: The day on which the communes of the two-tier local government began (Resolution 1660/NQ-UBTVQH15).
FIRST_DAY = date(2025, 7, 1)


def approximate_communes() -> list[Zone]:
    """Give the 102 communes of Đắk Lắk as zones marked approximate; see README.md for how far they can be trusted."""
    text = (resources.files(__package__) / "dak-lak-approximate.geojson").read_text("utf-8")
    return zones_from_geojson(
        json.loads(text),
        kind="commune",
        valid_from=FIRST_DAY,
        code_field="code",
        name_field="fullName",
        approximate=True,
    )
