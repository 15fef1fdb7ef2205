from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from geo.grid import Grid

#: A slanted lane, narrower than a cell: a cell that it crosses has an edge on both sides of it.
LANE = shapely.Polygon([(-1, 0.2), (5, 3.2), (5, 3.21), (-1, 0.21)])
SQUARE = shapely.box(0, 0, 4, 4)


@pytest.mark.parametrize(
    "shape",
    [
        LANE,
        SQUARE - LANE,
        SQUARE - shapely.Point(1.3, 2.7).buffer(0.01),
        shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(1, 1, 4, 4)]),
        shapely.box(-180, -90, 180, 90),
    ],
    ids=["lane", "without a lane", "with a hole", "two that meet in a corner", "world"],
)
def test_a_fine_look_at_a_shape(shape: Any) -> None:
    """A close grid of positions over all of a shape and beyond gives what the polygon itself says."""
    grid = Grid.build(np.array([shape, SQUARE], dtype=object))
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.linspace(-1.5, 5.5, 281), np.linspace(-1.5, 5.5, 281)))
    near, polygon = grid.covering(lon, lat)
    wanted = np.nonzero(shapely.intersects_xy(np.array([shape, SQUARE]), lon[:, None], lat[:, None]))
    assert np.array_equal([near, polygon], wanted)


def test_most_positions_ask_no_polygon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of positions in and around a circle, only those by its edge are asked about."""
    grid = Grid.build(np.array([shapely.Point(0, 0).buffer(1)], dtype=object))
    positions = np.random.default_rng(1).uniform(-2, 2, (10_000, 2))
    asked: list[int] = []
    monkeypatch.setattr(shapely, "intersects_xy", lambda shapes, lon, _: asked.append(len(lon)) or lon > 9)  # type: ignore[func-returns-value]
    grid.covering(*positions.T)
    assert sum(asked) < 1_000


def test_nothing_to_find() -> None:
    """Without polygons nothing is found, without positions neither, and the largest numbers do not disturb."""
    nowhere, far = np.empty((0, 2)), np.array([[1.7e308, -1.7e308], [-1.7e308, 0.0]])
    for shapes in (np.empty(0, dtype=object), np.array([SQUARE], dtype=object)):
        for positions in (nowhere, far):
            assert [found.tolist() for found in Grid.build(shapes).covering(*positions.T)] == [[], []]
