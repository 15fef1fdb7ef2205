"""The counts of open incidents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.conftest import change_incident


async def test_counts_tell_what_is_open_and_what_nobody_has_seen(world: Any) -> None:
    """Open ones by severity, the unacknowledged among them; resolved ones are gone from all of it."""
    viewer = await world.person("viewer")
    body = (await viewer.get("/v1/incidents/counts")).json()
    assert body.pop("as_of").endswith("Z")
    assert body == {"open": 2, "unacknowledged": 2, "by_severity": {"1": 0, "2": 0, "3": 1, "4": 1, "5": 0}}
    await change_incident(world.store, "i-fire", status="acknowledged")
    await change_incident(world.store, "i-police", status="resolved")
    body = (await viewer.get("/v1/incidents/counts")).json()
    assert (body["open"], body["unacknowledged"], body["by_severity"]["3"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("query", "found"), [("severity_min=4", 1), ("agency=fire", 1), ("q=da rang", 1), ("until=2025-11-19T07:00:00Z", 0)]
)
async def test_the_filters_of_the_list_count_too(world: Any, query: str, found: int) -> None:
    """A filtered count is the length of the filtered list."""
    viewer = await world.person("viewer")
    assert (await viewer.get(f"/v1/incidents/counts?{query}")).json()["open"] == found


async def test_counts_are_scoped(world: Any) -> None:
    """Another agency's and another commune's incidents are not even counted, whatever is asked for."""
    fire = await world.person("viewer", agency="fire")
    assert (await fire.get("/v1/incidents/counts?agency=fire&agency=police")).json()["open"] == 1
    here = await world.person("viewer", agency="fire", communes=("24133",), name="here")
    assert (await here.get("/v1/incidents/counts")).json()["open"] == 0


async def test_pages_cannot_be_counted(world: Any) -> None:
    """What only a list has is refused, never ignored."""
    viewer = await world.person("viewer")
    assert (await viewer.get("/v1/incidents/counts?limit=5")).status_code == 422
