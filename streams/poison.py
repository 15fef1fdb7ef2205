"""Counts refusals and stops the worker when a bad deploy would drain a topic into the dead letters."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.errors import CanhError

#: Messages over which the ratio is taken.
WINDOW = 1000
#: Refusals in a window that make a source bad, or all those beside the worst one; fewer may be chance.
FEW = 10
#: What a worker that stopped for it ends with. Started again at once, it would drain nearly a window each time.
EXIT_REFUSED = 3


class TooMuchPoisonError(CanhError):
    """More messages are refused than allowed: a person must look; nothing was lost, nothing is committed."""


class PoisonGauge:
    """Knows the share of refusals among the last messages; judged over whole windows of WINDOW messages.

    One source that sends rubbish, however much, stops nobody: all others' data goes on, and its own is kept. The stop
    is for what one source cannot be to blame for: without the worst one, too much of the rest is refused, too.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._seen: dict[str, int] = {}
        self._refused: dict[str, float] = {}

    def count(self, seen: int, refused: float) -> None:
        """Add messages whose source nobody knows; one that was refused in part counts for that part.

        Raises TooMuchPoisonError when a full window holds more refusals than allowed.
        """
        self.count_sources({"": seen}, {"": refused})

    def count_sources(self, seen: Mapping[str, int], refused: Mapping[str, float]) -> frozenset[str] | None:
        """Add messages by source; gives the bad sources of a window that is full now, None while it is not.

        Raises TooMuchPoisonError as `count` does.
        """
        for source, number in seen.items():
            self._seen[source] = self._seen.get(source, 0) + number
        for source, share in refused.items():
            self._refused[source] = self._refused.get(source, 0) + share
        if sum(self._seen.values()) < WINDOW:
            return None
        bad = self._bad()
        self._judge(without=max(bad, key=self._refused.__getitem__, default=None))
        self._seen, self._refused = {}, {}
        return bad

    def _bad(self) -> frozenset[str]:
        refused = {source: n for source, n in self._refused.items() if source and n >= FEW}
        return frozenset(source for source, n in refused.items() if n > self._ratio * self._seen.get(source, 0))

    def _judge(self, *, without: str | None) -> None:
        """Raise when too much is refused, and (`without` a source) not of that one alone."""
        full, refused = sum(self._seen.values()), sum(self._refused.values())
        others = full - (0 if without is None else self._seen.get(without, 0))
        refused_others = refused - (0 if without is None else self._refused[without])
        alone = without is not None and (refused_others < FEW or refused_others <= self._ratio * others)
        if refused > self._ratio * full and not alone:
            raise TooMuchPoisonError(
                f"{refused / full:.0%} of the last {full} messages were refused (limit {self._ratio:.0%}). The worker "
                "stops so that nothing drains away. Look at `canh dlq list`; mend the source or adapter, or raise "
                "CANH_POISON_RATIO, and start again."
            )
