from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.projection import distance_m, from_wgs84, to_local_m, to_wgs84
from geo.proximity import pairs_between

LON, LAT = st.floats(-180, 180), st.floats(-90, 90)
ANY = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan))


@given(st.floats(104.5, 112.5), st.floats(8, 23.5), st.sampled_from([9218, 3405, 3406]))
def test_vn2000_round_trip(lon: float, lat: float, srid: int) -> None:
    """A place turned into any VN-2000 grid and back moves less than 1 cm."""
    assert distance_m(lon, lat, *to_wgs84(*from_wgs84(lon, lat, srid), srid)) < 0.01


@given(LON, LAT, LON, LAT)
def test_distance_is_symmetric(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> None:
    """The way back is as long as the way there; a place is 0 m from itself; no distance passes half the earth."""
    there = distance_m(lon_a, lat_a, lon_b, lat_b)
    assert there == distance_m(lon_b, lat_b, lon_a, lat_a)
    assert 0 <= there <= 20_038_000
    assert distance_m(lon_a, lat_a, lon_a, lat_a) == 0


@given(LON, LAT, LON, LAT)
def test_local_metres_keep_distances_anywhere(lon: float, lat: float, lon_0: float, lat_0: float) -> None:
    """Metres around a centre have the length of distance_m anywhere, at poles and the antimeridian too."""
    east, north = to_local_m(np.array([lon]), np.array([lat]), lon_0, lat_0)
    wanted = distance_m(lon, lat, lon_0, lat_0)
    # A few metres across, rounding of earth-centred metres shows; opposite the centre the direction is lost.
    if wanted < 19_000_000:
        assert math.isclose(math.hypot(east[0], north[0]), wanted, rel_tol=1e-6, abs_tol=1e-6)


@given(st.lists(st.tuples(ANY, ANY), max_size=30), st.lists(st.tuples(ANY, ANY), max_size=30), st.floats(0, 1e6))
def test_pairs_of_any_numbers_do_not_raise(
    first: list[tuple[float, float]], second: list[tuple[float, float]], limit_m: float
) -> None:
    """Whatever numbers come in, pairs come out sorted, within the limit, and never with NaN."""
    a, b = np.array(first).reshape(-1, 2), np.array(second).reshape(-1, 2)
    pairs = pairs_between(a[:, 0], a[:, 1], b[:, 0], b[:, 1], limit_m)
    assert (pairs.distance_m <= limit_m).all()
    assert sorted(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == list(
        zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    )
