"""The watermark as a state machine: whatever happens, committed <= first unfinished offset."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.watermark import Place, Ticket, Watermark

PLACE = Place("t", 0)
HOPS = frozenset({"store", "evaluate"})


class WatermarkMachine(RuleBasedStateMachine):
    """A partition that is read, finished in any order, committed, crashed, moved away and back, and truncated."""

    def __init__(self) -> None:
        super().__init__()
        self.watermark = Watermark()
        self.durable: dict[str, set[int]] = {hop: set() for hop in HOPS}  # what a crash cannot take back
        self.committed = 0  # what the broker was told
        self.log: list[int] = []  # offsets that exist; holes are what transactions and compaction leave
        self.open: list[tuple[Ticket, str]] = []

    @initialize(start=st.integers(0, 5))
    def begin(self, start: int) -> None:
        """A group that begins somewhere: below is history that is durable."""
        self.log = list(range(start))
        self.committed = start
        for done in self.durable.values():
            done.update(range(start))
        self.watermark.assign(PLACE, start)

    @rule(count=st.integers(1, 5), gap=st.integers(0, 3))
    def produce(self, count: int, gap: int) -> None:
        """Records arrive, with a hole before them."""
        first = (self.log[-1] + 1 if self.log else 0) + gap
        self.log += range(first, first + count)

    @rule(count=st.integers(1, 5))
    def read(self, count: int) -> None:
        """The consumer fetches on from its position."""
        position = self.watermark.position(PLACE)
        assert position is not None
        run = [offset for offset in self.log if offset >= position][:count]
        if run:
            ticket = self.watermark.read(PLACE, run[0], run[-1], HOPS)
            assert ticket is not None
            assert not ticket.restarted
            self.open += [(ticket, hop) for hop in HOPS]

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """Any hop finishes any run that is in flight, in any order; old assignments' runs too."""
        index = data.draw(st.integers(0, len(self.open) - 1))
        ticket, hop = self.open.pop(index)
        self.durable[hop].update(range(ticket.first, ticket.last + 1))
        self.watermark.finish(ticket, hop)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def finish_twice(self, data: st.DataObject) -> None:
        """A repeat of a finish changes nothing."""
        ticket, hop = self.open[data.draw(st.integers(0, len(self.open) - 1))]
        self.durable[hop].update(range(ticket.first, ticket.last + 1))
        self.watermark.finish(ticket, hop)
        before = self.watermark.committable(PLACE)
        self.watermark.finish(ticket, hop)
        assert before == self.watermark.committable(PLACE)

    @rule()
    def commit(self) -> None:
        """The broker is told."""
        offset = self.watermark.committable(PLACE)
        if offset is not None:
            self.committed = max(self.committed, offset)

    @rule(keep=st.booleans())
    def crash_or_rebalance(self, keep: bool) -> None:
        """The worker dies or the partition moves: go on from what every hop has durable, as the database says."""
        if not keep:
            self.open.clear()
        self.watermark.revoke(PLACE)
        assert self.watermark.committable(PLACE) is None
        self.watermark.assign(PLACE, min(self._first_missing(hop) for hop in HOPS))

    @invariant()
    def never_beyond_unfinished(self) -> None:
        """No offset at or above the first record that some hop has not made durable is ever committed."""
        assert self.committed <= min(self._first_missing(hop) for hop in HOPS)

    def _first_missing(self, hop: str) -> int:
        """Give the first record that a hop has not made durable (the log's end when there is none)."""
        end = self.log[-1] + 1 if self.log else 0
        return next((offset for offset in self.log if offset not in self.durable[hop]), end)


TestWatermark = WatermarkMachine.TestCase
TestWatermark.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
