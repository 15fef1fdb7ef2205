"""Two workers as a state machine: committed <= first unfinished whatever happens, and each record ends in one place."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams import hop as hop_module
from tests.property.streams.carriers import HOPS, PLACE, Ledger, Worker, name_of
from tests.unit.streams.hands import NOW, record

#: What happens to the next commits, the last one first: they fail before they are written, or nobody hears of it.
TROUBLE = st.lists(st.sampled_from(["", "before", "after"]), max_size=3)
KINDS = (*["good"] * 8, "garbage", "refused")


@pytest.fixture(autouse=True, scope="module")
def no_waits() -> Iterator[None]:
    """Let failing commits be tried again at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hop_module, "BACKOFF_S", (0.0,))
        yield


class CarrierMachine(RuleBasedStateMachine):
    """A partition that two workers read; one that lost it may sleep through that and go on with what it had."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = Ledger()
        self.log: list[ConsumerRecord] = []
        self.made = 0
        self.owner = Worker(self.store)
        self.sleeper: Worker | None = None
        self.is_cut = False  # the log lost records, and the owner has not noticed
        self.was_cut = False

    def do(self, step: Coroutine[Any, Any, None]) -> None:
        """Run a step to its end; one that goes round in circles fails."""
        self.loop.run_until_complete(asyncio.wait_for(step, 10))

    def take_over(self, worker: Worker) -> None:
        """Let a worker have the partition; it goes on from what is durable."""
        self.owner, self.is_cut = worker, False
        self.do(worker.take_over(self.log))

    @initialize(kinds=st.lists(st.sampled_from(KINDS), min_size=4, max_size=8))
    def begin(self, kinds: list[str]) -> None:
        """The first worker has the partition, in which there is something."""
        self.produce(kinds)
        self.take_over(self.owner)
        self.read([3, 3])

    @rule(kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=8))
    def produce(self, kinds: list[str]) -> None:
        """Records arrive: good ones, poison, and such as only the store finds bad."""
        for kind in kinds:
            self.made += 1
            at = NOW + timedelta(milliseconds=self.made)
            self.log.append(record(len(self.log), f"{kind} {self.made}".encode(), topic=PLACE.topic, at=at))

    @rule(counts=st.lists(st.integers(1, 4), min_size=1, max_size=4))
    def read(self, counts: list[int]) -> None:
        """The owner fetches; when it is connected anew it finishes what it has, and looks where to go on."""
        if self.is_cut and (self.owner.watermark.position(PLACE) or 0) <= len(self.log):
            self.do(self.owner.finish())
            self.take_over(self.owner)
        for count in counts:
            self.owner.read(self.log, count)
        self.is_cut = self.is_cut and not self.log  # else it was set back to the beginning

    @rule(names=st.lists(st.sampled_from(HOPS), min_size=1, max_size=4), late=st.booleans(), trouble=TROUBLE)
    def deliver(self, names: list[str], *, late: bool, trouble: list[str]) -> None:
        """Hops do their next runs (they keep no step): the owner's, or a sleeper's. Commits may fail."""
        self.store.trouble = trouble
        for name in names:
            self.do(self._worker(late=late).deliver(name))
            self.commit()

    @rule(late=st.booleans(), trouble=TROUBLE)
    def tick(self, *, late: bool, trouble: list[str]) -> None:
        """Time passes for the owner, or for the one that slept."""
        self.store.trouble = trouble
        self.do(self._worker(late=late).tick())

    @rule(sleeps=st.booleans())
    def move(self, *, sleeps: bool) -> None:
        """The partition goes to another worker, as the owner died or while it sleeps."""
        if sleeps and not self.is_cut:  # a broker that was restarted wakes everybody
            self.sleeper = self.owner
        self.take_over(Worker(self.store))

    @rule(name=st.sampled_from(HOPS))
    def come_back(self, name: str) -> None:
        """In the midst of work the owner is given its partition anew; runs of before wait for their turn still."""
        self.read([2, 2, 2])
        self.deliver([name], late=False, trouble=[])
        self.take_over(self.owner)

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        """The broker is killed and comes back without its newest records."""
        self.log = self.log[: data.draw(st.integers(0, len(self.log) - 1))]
        self.is_cut = self.was_cut = True
        self.sleeper = None

    @invariant()
    def commit(self) -> None:
        """Whenever the broker is told: nothing beyond the first record that some hop has neither stored nor refused."""
        committed = self.owner.watermark.committable(PLACE)
        for hop in () if self.is_cut else HOPS:  # as long as nobody has noticed, it is the old log's offset
            done = self.store.done(hop)
            unfinished = (each.offset for each in self.log if name_of(each) not in done)
            assert committed is None or committed <= next(unfinished, len(self.log))

    def _worker(self, *, late: bool) -> Worker:
        return self.sleeper if late and self.sleeper is not None else self.owner

    def teardown(self) -> None:
        """In the end every record is in exactly one place, written once unless a log that was cut was read again."""
        self.store.trouble = []
        for worker in (self.owner, self.sleeper or self.owner):
            self.do(worker.finish())
        self.owner = Worker(self.store)
        self.do(self.owner.take_over(self.log))
        self.owner.read(self.log, len(self.log))
        self.do(self.owner.finish())
        self.do(self.owner.tick())
        self.loop.close()
        for hop in HOPS:
            rows, letters = self.store.rows[hop], self.store.letters[hop]
            assert set(rows).isdisjoint(letters)
            for name in map(name_of, self.log):
                assert name in (rows if name.startswith("good") else letters)
            if not self.was_cut:
                assert len({*rows, *letters}) == len([*rows, *letters]) == len(self.log)


TestCarriers = CarrierMachine.TestCase
TestCarriers.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
