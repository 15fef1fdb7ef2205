from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import shapely
from hypothesis import given
from hypothesis import strategies as st

import geo.cells
from geo.grid import Grid

#: Steps on which corners, edges and lines of the grid often meet, and numbers without any order.
LON = st.one_of(st.integers(-8, 8).map(lambda step: step / 4), st.floats(-3, 3), st.sampled_from([-180.0, 180.0]))
LAT = st.one_of(st.integers(-8, 8).map(lambda step: step / 4), st.floats(-3, 3), st.sampled_from([-90.0, 90.0]))
ANY = st.floats(allow_nan=False, allow_infinity=False)
#: Degrees, from what no number between two others can hold to more than the thickness of edges.
NUDGES = (0.0, 1e-300, 1e-16, 1e-12, 0.9e-9, 1.1e-9, 3e-9, 1e-6)


@st.composite
def boxes(draw: st.DrawFn) -> Any:
    """Give a box, up to all of the world, with a hole or without."""
    west, east = sorted(draw(st.lists(LON, min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(LAT, min_size=2, max_size=2, unique=True)))
    box = shapely.box(west, south, east, north)
    hole = shapely.box(*(0.75 * side + 0.25 * other for side, other in _opposite(box.bounds)))
    return box - hole if draw(st.booleans()) else box


@st.composite
def stars(draw: st.DrawFn) -> Any:
    """Give a jagged shape of any size, wide or flat, straight or aslant: from a needle to a coast line."""
    lon, lat, size = draw(st.floats(-3, 3)), draw(st.floats(-3, 3)), draw(st.sampled_from([1e-10, 1e-3, 0.3, 2, 60]))
    flat, slant = draw(st.sampled_from([1, 0.1, 1e-3])), draw(st.sampled_from([0, 0.4, -1]))
    reaches = np.array(draw(st.lists(st.floats(0.01, 1), min_size=3, max_size=40)))
    turns = 2 * np.pi * np.arange(len(reaches)) / len(reaches)
    right, up = size * reaches * np.cos(turns), size * reaches * np.sin(turns)
    return shapely.Polygon(np.stack([lon + right, lat + flat * up + slant * right], axis=1))


MIXED = [st.builds(join, boxes(), stars()) for join in (shapely.union, shapely.difference)]
SHAPES = st.lists(st.one_of(boxes(), stars(), *MIXED), max_size=8)

#: From one cell for all to far too many.
LIMITS = st.fixed_dictionaries(
    {
        "CELLS_EACH": st.sampled_from([1, 9, 64, 2000]),
        "MAX_PAIRS": st.sampled_from([8, 300, 2_000_000]),
        "MAX_CROSSINGS": st.sampled_from([20, 2_000_000]),
        "CHUNK": st.sampled_from([1, 30, 200_000]),
    }
)


def _opposite(bounds: tuple[float, ...]) -> list[tuple[float, float]]:
    return [(bounds[i], bounds[(i + 2) % 4]) for i in range(4)]


def _sound(shape: Any) -> bool:
    """Tell whether the grid promises anything: GEOS fails to judge a few shapes of less than 1e-180 degrees."""
    try:
        return bool(shape.is_valid and shape.area > 0)
    except shapely.GEOSException:
        return False


def _within(bounds: tuple[float, ...], random: Any) -> tuple[float, float]:
    west, south, east, north = bounds
    return random.uniform(west, east), random.uniform(south, north)


def telling(grid: Grid, shapes: npt.NDArray[np.object_], random: Any) -> npt.NDArray[np.float64]:
    """Give positions where a mistake would show: vertices, edges, corners of cells, very close to them, between."""
    corners = np.array([(lon, lat) for lon in grid._lines.lon for lat in grid._lines.lat])
    vertices = shapely.get_coordinates(shapes)
    middles = (vertices[:-1] + vertices[1:]) / 2  # of edges, but for those between two rings
    exact = np.concatenate([corners, vertices, middles])
    mixed = np.stack([random.choices(exact[:, axis], k=40) for axis in (0, 1)], axis=1)
    chosen = np.concatenate([exact[random.sample(range(len(exact)), min(len(exact), 200))], mixed])
    chosen += np.array([[random.choice([-1, 1]) * random.choice(NUDGES) for _ in "xy"] for _ in chosen])
    between = [_within(shape.bounds, random) for shape in shapes for _ in range(60)]
    return np.concatenate([chosen, np.array(between).reshape(-1, 2)])


@given(
    SHAPES,
    st.lists(st.tuples(st.one_of(LON, ANY), st.one_of(LAT, ANY)), max_size=20),
    LIMITS,
    st.randoms(use_true_random=False),
)
def test_the_grid_agrees_with_asking_every_polygon(
    found: list[Any], anywhere: list[tuple[float, float]], limits: dict[str, Any], random: Any
) -> None:
    """However fine the grid, it gives what every polygon says: on edges, corners and lines, near them, far away."""
    shapes = np.array([shape for shape in found if _sound(shape)], dtype=object)
    with patch.multiple(geo.cells, **limits):
        grid = Grid.build(shapes)
    positions = np.concatenate([telling(grid, shapes, random), np.array(anywhere).reshape(-1, 2)])
    lon, lat = positions.T
    wanted = np.nonzero(shapely.intersects_xy(shapes[None, :], lon[:, None], lat[:, None]))
    assert np.array_equal(grid.covering(lon, lat), wanted)
