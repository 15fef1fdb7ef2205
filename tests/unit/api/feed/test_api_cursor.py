"""Where a stream goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feed.cursor import Reset, Resume, resume


def test_no_cursor_starts_at_the_head() -> None:
    """A client that has seen nothing gets what comes from now on."""
    assert resume(None, head=7, tail=1) == Resume(7, resumed=False)


@pytest.mark.parametrize("since", [0, 3, 9])
def test_a_known_cursor_goes_on_exactly_there(since: int) -> None:
    """Every id from just before the tail to the head is continued."""
    assert resume(str(since), head=9, tail=1) == Resume(since, resumed=True)


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        ("10", Reset.AHEAD),
        ("2", Reset.HISTORY_GONE),
        ("", Reset.UNKNOWN_ID),
        ("-1", Reset.UNKNOWN_ID),
        ("1e3", Reset.UNKNOWN_ID),
        ("٣", Reset.UNKNOWN_ID),
        ("9" * 400, Reset.UNKNOWN_ID),
        ("x\r\nevent: change", Reset.UNKNOWN_ID),
    ],
)
def test_every_other_cursor_is_a_reset_to_the_head(since: str, reason: Reset) -> None:
    """A cursor from the future, too old, or not ours is answered with an explicit reset."""
    assert resume(since, head=9, tail=4) == Resume(9, resumed=False, reset=reason)


def test_an_empty_feed_can_be_resumed_from_its_beginning() -> None:
    """Zero is the id before the first."""
    assert resume("0", head=0, tail=1) == Resume(0, resumed=True)


@given(st.text(max_size=30), st.integers(0, 50), st.integers(0, 50))
def test_a_resumed_stream_never_skips(since: str, head: int, gone: int) -> None:
    """Whatever a client sends: it is resumed only where everything after its id can still be read."""
    tail = min(gone, head) + 1
    got = resume(since, head=head, tail=tail)
    assert got.resumed == (got.reset is None)
    if got.resumed:
        assert tail - 1 <= got.after <= head
        assert got.after == int(since)
    else:
        assert got.after == head
