from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod, Transformer
from pyproj.transformer import TransformerGroup

from geo.projection import distance_m, from_wgs84, to_local_m, to_wgs84
from schemas.errors import PoisonMessageError

#: Buôn Ma Thuột, the column of the six-way crossing.
BUON_MA_THUOT = (108.0501, 12.6797)


@pytest.mark.parametrize("srid", [9218, 3405, 3406])
def test_agrees_with_the_published_operation(srid: int) -> None:
    """Our written-out pipeline gives what PROJ's own database gives for "VN-2000 to WGS 84 (2)"."""
    published = next(
        one
        for one in TransformerGroup(srid, 4326, always_xy=True).transformers
        if "VN-2000 to WGS 84 (2)" in one.description
    )
    x, y = from_wgs84(*BUON_MA_THUOT, srid)
    assert to_wgs84(x, y, srid) == pytest.approx(published.transform(x, y), abs=1e-11)
    assert to_wgs84(x, y, srid) == pytest.approx(BUON_MA_THUOT, abs=1e-8)


def test_skipping_the_shift_moves_buon_ma_thuot() -> None:
    """Without the datum shift the same grid position lies 225.6 m away, within 0.5 m."""
    x, y = from_wgs84(*BUON_MA_THUOT, 9218)
    unshifted = Transformer.from_pipeline(
        "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=108.5 +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84 "
        "+step +proj=unitconvert +xy_in=rad +xy_out=deg"
    ).transform(x, y)
    assert distance_m(*to_wgs84(x, y, 9218), *unshifted) == pytest.approx(225.6, abs=0.5)


def test_the_three_grids_give_one_place() -> None:
    """A place has different numbers in TM-3, UTM 48N and 49N and comes back to the same lon, lat from each."""
    grids = {srid: from_wgs84(*BUON_MA_THUOT, srid) for srid in (9218, 3405, 3406)}
    assert len({round(x) for x, _ in grids.values()}) == 3
    for srid, (x, y) in grids.items():
        assert to_wgs84(x, y, srid) == pytest.approx(BUON_MA_THUOT, abs=1e-8)


def test_arrays_give_what_single_positions_give() -> None:
    """An array of positions is converted element by element."""
    x, y = from_wgs84(*BUON_MA_THUOT, 9218)
    xs, ys = np.array([x, x + 1000.0]), np.array([y, y - 1000.0])
    lon, lat = to_wgs84(xs, ys, 9218)
    assert [(lon[i], lat[i]) for i in range(2)] == [to_wgs84(float(xs[i]), float(ys[i]), 9218) for i in range(2)]


def test_wgs84_passes_through() -> None:
    """lon, lat in WGS 84 is given back as it came."""
    assert to_wgs84(108.05, 12.67, 4326) == (108.05, 12.67)


def test_swapped_axes_are_refused_with_a_hint() -> None:
    """X = north, the habit of survey sheets, lands outside Viet Nam and is named as the likely mistake."""
    x, y = from_wgs84(*BUON_MA_THUOT, 9218)
    with pytest.raises(PoisonMessageError, match="swapped") as caught:
        to_wgs84(y, x, 9218)
    assert caught.value.reason == "bad_position"


@pytest.mark.parametrize(
    ("x", "y", "srid"),
    [
        (108.0, 12.0, 32648),
        (181.0, 12.0, 4326),
        (108.0, -90.1, 4326),
        (float("nan"), 12.0, 4326),
        (float("inf"), 1.4e6, 9218),
        (108.05, 12.67, 9218),
    ],
)
def test_bad_positions_are_refused(x: float, y: float, srid: int) -> None:
    """An unknown srid, a position off the world, NaN, infinity, and degrees given as metres are bad_position."""
    with pytest.raises(PoisonMessageError) as caught:
        to_wgs84(x, y, srid)
    assert caught.value.reason == "bad_position"


def test_one_bad_position_in_an_array_is_named() -> None:
    """The refusal of an array tells which position is bad."""
    with pytest.raises(PoisonMessageError, match="position 1 "):
        to_wgs84(np.array([108.0, 200.0]), np.array([12.0, 12.0]), 4326)


@pytest.mark.parametrize(("reach_deg", "share"), [(0.3, 1e-6), (40.0, 6e-3)])
def test_distances_keep_their_error_bound(reach_deg: float, share: float) -> None:
    """Distances agree with the geodesic within the documented share, near and far, at every latitude."""
    random = np.random.default_rng(7)
    lat_a = random.uniform(-90, 90, 5000)
    lon_a = random.uniform(-180, 180, 5000)
    lat_b = np.clip(lat_a + random.uniform(-reach_deg, reach_deg, 5000), -90, 90)
    lon_b = lon_a + random.uniform(-reach_deg, reach_deg, 5000)
    geodesic = Geod(ellps="WGS84").inv(lon_a, lat_a, lon_b, lat_b)[2]
    assert (np.abs(distance_m(lon_a, lat_a, lon_b, lat_b) - geodesic) <= share * geodesic + 1e-6).all()


def test_local_metres_keep_distance_and_direction() -> None:
    """Around a centre, metres have the distances of distance_m, with east to the right and north up."""
    random = np.random.default_rng(3)
    lon, lat = 108.0 + random.uniform(-1, 1, 500), 12.7 + random.uniform(-1, 1, 500)
    east, north = to_local_m(lon, lat, 108.0, 12.7)
    assert np.hypot(east, north) == pytest.approx(distance_m(lon, lat, 108.0, 12.7), rel=1e-12)
    azimuth = Geod(ellps="WGS84").inv(np.full(500, 108.0), np.full(500, 12.7), lon, lat)[0]
    turned = (np.degrees(np.arctan2(east, north)) - azimuth + 180) % 360 - 180
    assert np.abs(turned).max() < 0.01
