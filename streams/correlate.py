"""Reads signals, gives incidents: opens, updates, links evidence; one writer for each kind of incident (G5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from schemas.codec import decode_signal
from schemas.store.abstract import Commit, StreamStore
from schemas.topics import SIGNALS
from streams.hop import Hop, Records
from streams.incidents.correlation import correlate
from streams.incidents.match import reach
from streams.watermark import Place
from streams.world import Atlas


class CorrelateHop(Hop):
    """Asks the pure correlation what the signals mean for the open incidents.

    The incidents' expected versions make a clash with an operator's order visible: the carrier then reads again and
    decides again.
    """

    name = "correlate"
    topic = SIGNALS

    def __init__(self, store: StreamStore, atlas: Atlas, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._atlas = atlas
        self._clock = clock

    async def work(self, place: Place, records: Records) -> Commit:  # noqa: ARG002 -- keeps no state by place
        """Decide for all new signals of the run at once."""
        signals = [decode_signal(record.value or b"") for record in records]
        standing = await self._store.standing([reach(signal) for signal in signals])
        return Commit(incidents=correlate(signals, standing, self._atlas.world.agencies, self._clock()))
