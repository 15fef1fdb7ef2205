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


def test_one_bad_source_stops_nobody_and_is_named() -> None:
    """All others' data goes on, however much of its own is refused; a few refusals of others change nothing."""
    gauge = PoisonGauge(0.5)
    bad = gauge.count_sources({"a": 990, "b": 10}, {"a": 990.0, "b": 9.0})
    assert bad == frozenset({"a"})
    assert gauge.count_sources({"a": 1}, {}) is None


def test_a_window_without_a_bad_source_names_none() -> None:
    """Who was named once is not named for ever."""
    assert PoisonGauge(0.5).count_sources({"a": 500, "b": 500}, {"a": 100.0}) == frozenset()


def test_more_than_one_bad_source_is_a_fault_of_ours() -> None:
    """A bad adapter or registry refuses whoever comes: the small ones beside the largest tell."""
    with pytest.raises(TooMuchPoisonError, match="99%"):
        PoisonGauge(0.5).count_sources(
            {"a": 970, **{f"s{i}": 1 for i in range(30)}}, {"a": 970.0, **{f"s{i}": 1.0 for i in range(24)}}
        )


def test_a_bad_source_beside_good_ones_does_not_count_for_them() -> None:
    """Of the rest less than the limit is refused."""
    assert PoisonGauge(0.5).count_sources({"a": 900, "b": 100}, {"a": 900.0, "b": 50.0}) == frozenset("a")
