from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from schemas.events import Zone

MakeZone = Callable[..., Zone]


@pytest.fixture
def square() -> MakeZone:
    """Give a maker of square zones: west, south corner and side in degrees."""

    def make(code: str, west: float, south: float, side: float = 1.0, *, kind: str = "commune", **more: Any) -> Zone:
        east, north = west + side, south + side
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        known: dict[str, Any] = {
            "id": f"{kind}:{code}",
            "kind": kind,
            "code": code,
            "name": f"Xã {code}",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "valid_from": date(2025, 7, 1),
        }
        return Zone(**(known | more))

    return make
