"""Counts refusals and stops the worker when a bad deploy would drain a topic into the dead letters."""

from __future__ import annotations

from schemas.errors import CanhError

#: Messages over which the ratio is taken.
WINDOW = 1000


class TooMuchPoisonError(CanhError):
    """More messages are refused than allowed: a person must look; nothing was lost, nothing is committed."""


class PoisonGauge:
    """Knows the share of refusals among the last messages; judged over whole windows of WINDOW messages."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._seen = 0
        self._refused = 0

    def count(self, seen: int, refused: int) -> None:
        """Add a run; raises TooMuchPoisonError when a full window holds more refusals than allowed."""
        self._seen += seen
        self._refused += refused
        if self._seen < WINDOW:
            return
        share, self._seen, self._refused, full = self._refused / self._seen, 0, 0, self._seen
        if share > self._ratio:
            raise TooMuchPoisonError(
                f"{share:.0%} of the last {full} messages were refused (limit {self._ratio:.0%}). The worker stops so "
                "that nothing drains away. Look at `canh dlq list`; mend the source or adapter, or raise "
                "CANH_POISON_RATIO, and start again."
            )
