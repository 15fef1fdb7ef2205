from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schemas.events import Action
from streams.rules.machine import Timing, Turn, Word, pass_time, see
from streams.rules.state import KeyState, LevelState, Sight

T0 = datetime(2025, 11, 19, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Key:
    """One key of a rule with two levels (severity 2 and 4), driven in minutes."""

    def __init__(self, hold: int = 0, clear_for: int = 0, gap: int | None = None) -> None:
        holds = (hold * MINUTE, hold * MINUTE)
        self.timing = Timing((2, 4), holds, clear_for * MINUTE, None if gap is None else gap * MINUTE)
        self.state = KeyState(last_at=T0 - timedelta(days=1), levels=[LevelState(), LevelState()])

    def see(self, minute: int, level: int, *, clears: bool | None = None) -> list[tuple[str, int, int]]:
        """Take an event where `level` levels hold; the others clear unless `clears` is False."""
        holds = [level >= 1, level >= 2]
        cleared = [not hold if clears is None else clears for hold in holds]
        word = Word(T0 + minute * MINUTE, holds, cleared, Sight(event=f"e{minute}"))
        return told(see(self.timing, self.state, word))

    def wait(self, minute: int) -> list[tuple[str, int, int]]:
        """Let time pass."""
        return told(pass_time(self.timing, self.state, T0 + minute * MINUTE))


def told(turns: list[Turn]) -> list[tuple[str, int, int]]:
    """Give turns as action, severity, minute."""
    return [(turn.action.value, turn.severity, (turn.at - T0) // MINUTE) for turn in turns]


def test_for_fires_at_its_deadline() -> None:
    """A condition that nobody denied for its time fires at the deadline, whoever notices first."""
    by_clock, by_event = Key(hold=10), Key(hold=10)
    assert by_clock.see(0, 1) == by_event.see(0, 1) == []
    assert by_clock.wait(30) == by_event.see(30, 1) == [("raise", 2, 10)]


def test_for_begins_again_when_denied() -> None:
    """One event where the condition does not hold resets the time."""
    key = Key(hold=10)
    assert [*key.see(0, 1), *key.see(9, 0), *key.see(10, 1), *key.wait(19)] == []
    assert key.wait(20) == [("raise", 2, 20)]


def test_deadline_before_the_event_at_the_same_time() -> None:
    """An event at the very deadline comes after it."""
    key = Key(hold=10)
    key.see(0, 1)
    assert key.see(10, 0) == [("raise", 2, 10), ("clear", 2, 10)]


def test_levels_rise_and_fall() -> None:
    """Severity follows the highest level that fires; a jump is one signal."""
    key = Key()
    assert key.see(0, 2) == [("raise", 4, 0)]
    assert key.see(1, 1) == [("update", 2, 1)]
    assert key.see(2, 2) == [("update", 4, 2)]
    assert key.see(3, 0) == [("clear", 4, 3)]


def test_hysteresis() -> None:
    """Between both thresholds nothing changes, and the time of clearing begins again."""
    key = Key(clear_for=60)
    key.see(0, 1)
    assert [*key.see(10, 0), *key.see(50, 0, clears=False), *key.see(60, 0), *key.wait(119)] == []
    assert key.wait(500) == [("clear", 2, 120)]


def test_gap_ends_what_nobody_proves() -> None:
    """With a gap, an episode ends when no event speaks of it any more, then clears after its time."""
    key = Key(clear_for=5, gap=10)
    assert key.see(0, 1) == [("raise", 2, 0)]
    assert key.see(9, 1) == []
    assert key.wait(23) == []
    assert key.wait(24) == [("clear", 2, 24)]


def test_gap_needs_proof_for_the_whole_time() -> None:
    """With a gap, a single event never fulfils `for`; events up to its end do."""
    assert [*(one := Key(hold=2, gap=3)).see(0, 1), *one.wait(60)] == []
    two = Key(hold=2, gap=3)
    assert [*two.see(0, 1), *two.see(1, 1)] == []
    assert two.see(2, 1) == [("raise", 2, 2)]


def test_late_and_repeated_events() -> None:
    """What is older than the newest event, or than a deadline that has passed, changes nothing; repeats neither."""
    key = Key(gap=10)
    key.see(5, 1)
    assert [*key.see(4, 0), *key.see(5, 1), *key.see(5, 0)] == []
    assert key.wait(20) == [("clear", 2, 15)]
    assert [*key.see(5, 1), *key.see(14, 2)] == []


def test_evidence_names_first_and_last() -> None:
    """A turn carries the event that began it and the newest one before its time."""
    key = Key(hold=2)
    key.see(0, 1)
    (raised,) = pass_time(key.timing, key.state, T0 + 3 * MINUTE)
    key.see(4, 2)
    (risen,) = see(key.timing, key.state, Word(T0 + 7 * MINUTE, [True, True], [False, False], Sight(event="e7")))
    assert [(turn.action, turn.evidence) for turn in (raised, risen)] == [
        (Action.RAISE, ("e0",)),
        (Action.UPDATE, ("e0", "e4")),
    ]
