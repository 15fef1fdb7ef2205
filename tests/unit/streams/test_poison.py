from __future__ import annotations

import pytest

from streams.poison import WINDOW, PoisonGauge, TooMuchPoisonError


def test_a_share_above_the_limit_stops_at_the_end_of_a_window() -> None:
    """Not before: a handful of bad messages at the start says nothing."""
    gauge = PoisonGauge(0.5)
    gauge.count(WINDOW - 1, WINDOW - 1)
    with pytest.raises(TooMuchPoisonError, match="canh dlq list"):
        gauge.count(1, 1)


def test_the_limit_itself_is_allowed_and_windows_are_apart() -> None:
    """What was refused in one window does not count in the next."""
    gauge = PoisonGauge(0.5)
    for _ in range(5):
        gauge.count(WINDOW // 2, WINDOW // 2)
        gauge.count(WINDOW // 2, 0)
