from __future__ import annotations

from math import nan

import numpy as np
import pytest

import geo.proximity
from geo.projection import distance_m
from geo.proximity import nearest_units, pairs_between, pairs_within
from schemas.events import Unit


def unit(name: str, lon: float | None, lat: float | None) -> Unit:
    return Unit(id=name, name=name, kind="patrol", agency="a", lon=lon, lat=lat)


def test_pairs_agree_with_measuring_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs within the limit and no others are found, cut into small pieces of work or not."""
    random = np.random.default_rng(5)
    lon, lat = random.uniform(108, 108.02, 120), random.uniform(12, 12.02, 120)
    wanted = [
        (i, j) for i in range(120) for j in range(i + 1, 120) if distance_m(lon[i], lat[i], lon[j], lat[j]) <= 300
    ]
    for chunk in (1_000_000, 50):
        monkeypatch.setattr(geo.proximity, "_CHUNK", chunk)
        pairs = pairs_within(lon, lat, 300.0)
        assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == wanted
        assert (pairs.distance_m <= 300).all()


def test_pairs_across_antimeridian_and_pole() -> None:
    """Neighbours across longitude 180 and across a pole are near; NaN is near nothing."""
    lon, lat = np.array([179.9999, -179.9999, 0.0, 180.0, nan, 5.0]), np.array([0.0, 0.0, 89.999, 89.999, 0.0, nan])
    pairs = pairs_within(lon, lat, 250.0)
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 1), (2, 3)]


def test_pairs_between_two_lists() -> None:
    """Pairs between lists have the index into each and the metres."""
    pairs = pairs_between(
        np.array([108.0, 109.0]), np.array([12.0, 12.0]), np.array([109.001]), np.array([12.0]), 200.0
    )
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([1], [0])
    assert pairs.distance_m[0] == pytest.approx(distance_m(109.0, 12.0, 109.001, 12.0))


def test_no_positions_have_no_pairs() -> None:
    """Empty lists give no pairs."""
    assert len(pairs_within(np.array([]), np.array([]), 100.0).first) == 0


def test_nearest_units_first() -> None:
    """Units come nearest first, ties by id, without those of unknown position, at most as many as asked for."""
    units = [unit("d", 108.3, 12.0), unit("c", 108.1, 12.0), unit("b", 108.1, 12.0), unit("a", None, None)]
    assert [near.unit.id for near in nearest_units(108.0, 12.0, units)] == ["b", "c", "d"]
    assert [near.unit.id for near in nearest_units(108.0, 12.0, units, limit=1)] == ["b"]
    assert [near.unit.id for near in nearest_units(108.0, 12.0, units, within_m=20_000)] == ["b", "c"]
    assert nearest_units(108.0, 12.0, []) == []
