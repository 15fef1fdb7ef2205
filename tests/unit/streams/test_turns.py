from __future__ import annotations

import asyncio

from streams.turns import Crew, Turns
from streams.watermark import Place

A, B, C = (Place("topic", number) for number in range(3))


class Desk:
    """Notes what begins and ends, in order; work goes on until it is told to end."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.seen: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def work(self, name: str, place: Place) -> None:
        self.ends[name] = asyncio.Event()
        async with self.turns.of(place):
            self.seen.append(name)
            await self.ends[name].wait()

    async def alone(self) -> None:
        async with self.turns.all():
            self.seen.append("alone")


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_partitions_work_side_by_side_and_each_in_order() -> None:
    """A second run of a partition waits for the first, one of another partition does not."""
    desk = Desk(Turns(2))
    async with asyncio.TaskGroup() as tasks:
        for name, place in (("a1", A), ("a2", A), ("b1", B), ("c1", C)):
            tasks.create_task(desk.work(name, place))
        await settled()
        assert desk.seen == ["a1", "b1"]
        desk.ends["b1"].set()
        await settled()
        assert desk.seen == ["a1", "b1", "c1"]
        desk.ends["a1"].set()
        await settled()
        assert desk.seen == ["a1", "b1", "c1", "a2"]
        desk.ends["c1"].set()
        desk.ends["a2"].set()
    assert not desk.turns.taken


async def test_who_wants_all_turns_waits_for_those_under_way_and_holds_up_later_ones() -> None:
    """A takeover of partitions meets no work under way, and is not starved by work that keeps coming."""
    desk = Desk(Turns(2))
    async with asyncio.TaskGroup() as tasks:
        for name, place in (("a1", A), ("b1", B)):
            tasks.create_task(desk.work(name, place))
        await settled()
        tasks.create_task(desk.alone())
        await settled()
        tasks.create_task(desk.work("c1", C))
        desk.ends["a1"].set()
        await settled()
        assert "alone" not in desk.seen
        desk.ends["b1"].set()
        await settled()
        assert "alone" in desk.seen
        desk.ends["c1"].set()


async def test_a_wait_for_all_turns_that_is_given_up_gives_back_what_it_has() -> None:
    """Else the hop would stand still for ever."""
    desk = Desk(Turns(2))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.work("a1", A))
        await settled()
        waiting = tasks.create_task(desk.alone())
        await settled()
        waiting.cancel()
        await settled()
        tasks.create_task(desk.work("b1", B))
        await settled()
        assert desk.seen == ["a1", "b1"]
        for end in desk.ends.values():
            end.set()
    assert not desk.turns.taken


async def test_a_crew_does_so_many_at_a_time_and_leaves_none_behind() -> None:
    """A hop that is ended has no run under way any more."""
    begun: list[int] = []
    ended: list[int] = []

    async def do(number: int) -> None:
        begun.append(number)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async with Crew(do, 2) as crew:
        for number in range(2):
            await crew.begin(number)
        third = asyncio.create_task(crew.begin(2))
        await settled()
        third.cancel()
    assert (begun, sorted(ended)) == ([0, 1], [0, 1])
