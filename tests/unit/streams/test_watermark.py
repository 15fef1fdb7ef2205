from __future__ import annotations

from streams.watermark import Place, Watermark

PLACE = Place("t", 0)
HOPS = frozenset({"store"})


def test_out_of_order_finishes_wait_for_the_first() -> None:
    """P1: 5 is in flight, 6 and 7 are done; nothing beyond 5 may be committed."""
    watermark = Watermark()
    watermark.assign(PLACE, 5)
    first = watermark.read(PLACE, 5, 5, HOPS)
    later = watermark.read(PLACE, 6, 7, HOPS)
    assert first is not None
    assert later is not None

    watermark.finish(later, "store")
    assert watermark.committable(PLACE) == 5

    watermark.finish(first, "store")
    assert watermark.committable(PLACE) == 8


def test_fresh_group_commits_nothing_past_what_is_in_flight() -> None:
    """P2: committed is 0; a poison acknowledged at 10 must not carry 0 to 9 along."""
    watermark = Watermark()
    watermark.assign(PLACE, 0)
    watermark.read(PLACE, 0, 9, HOPS)
    poison = watermark.read(PLACE, 10, 10, HOPS)
    assert poison is not None

    watermark.finish(poison, "store")

    assert watermark.committable(PLACE) == 0


def test_a_run_is_finished_when_every_hop_has_finished_it() -> None:
    """Store is done, evaluate is not: the offset stays."""
    watermark = Watermark()
    watermark.assign(PLACE, 0)
    ticket = watermark.read(PLACE, 0, 3, frozenset({"store", "evaluate"}))
    assert ticket is not None

    watermark.finish(ticket, "store")
    assert watermark.committable(PLACE) == 0

    watermark.finish(ticket, "evaluate")
    assert watermark.committable(PLACE) == 4


def test_a_ticket_of_an_old_assignment_moves_nothing() -> None:
    """P9, P10: work that ends after the partition came back counts for nothing; it will be read again."""
    watermark = Watermark()
    watermark.assign(PLACE, 0)
    old = watermark.read(PLACE, 0, 9, HOPS)
    assert old is not None
    watermark.revoke(PLACE)
    watermark.assign(PLACE, 0)

    watermark.finish(old, "store")

    assert watermark.committable(PLACE) == 0


def test_a_run_that_waited_while_its_partition_was_taken_over_is_not_current() -> None:
    """It is read again from wherever the new assignment begins: worked now, it would hide what lies before it."""
    watermark = Watermark()
    watermark.assign(PLACE, 100)
    old = watermark.read(PLACE, 100, 109, HOPS)
    assert old is not None
    assert watermark.current(old)
    watermark.revoke(PLACE)
    assert not watermark.current(old)
    watermark.assign(PLACE, 0)
    assert not watermark.current(old)


def test_a_run_of_a_log_that_went_back_is_current_still() -> None:
    """Nobody can read it again: what of it waits for a slower hop is the last there is."""
    watermark = Watermark()
    watermark.assign(PLACE, 100)
    old = watermark.read(PLACE, 100, 109, HOPS)
    new = watermark.read(PLACE, 0, 4, HOPS)
    assert old is not None
    assert new is not None
    assert watermark.current(old)
    assert watermark.current(new)


def test_a_log_that_goes_back_is_read_again() -> None:
    """P12: the broker lost records; what comes now is told apart and not taken for old."""
    watermark = Watermark()
    watermark.assign(PLACE, 100)

    ticket = watermark.read(PLACE, 0, 4, HOPS)

    assert ticket is not None
    assert ticket.restarted
    assert watermark.committable(PLACE) == 0


def test_records_of_a_partition_that_is_not_ours_are_not_handed_over() -> None:
    """A fetch that was under way when the partition moved gives no ticket."""
    assert Watermark().read(PLACE, 0, 4, HOPS) is None


def test_no_more_is_committed_than_a_hop_has_stored() -> None:
    """A hop may be done with reading and hold rows back: the broker is told what it would read again."""
    watermark = Watermark()
    watermark.assign(PLACE, 0)
    ticket = watermark.read(PLACE, 0, 9, frozenset({"store", "evaluate"}))
    assert ticket is not None
    watermark.keep(PLACE, "evaluate", 4)
    watermark.finish(ticket, "evaluate")
    watermark.finish(ticket, "store")
    assert watermark.finished(PLACE) == 10
    assert watermark.committable(PLACE) == 4
    watermark.keep(PLACE, "evaluate", 10)
    assert watermark.committable(PLACE) == 10


def test_bytes_are_in_hand_until_they_are_finished() -> None:
    """By partition; what was taken away, or is read again from elsewhere, is in nobody's hand."""
    watermark = Watermark()
    watermark.assign(PLACE, 0)
    first, second = (watermark.read(PLACE, n, n, HOPS, 10 + n) for n in (0, 1))
    assert first is not None
    assert second is not None
    assert watermark.in_hand() == {PLACE: 21}

    watermark.finish(second, "store")
    assert watermark.in_hand() == {PLACE: 21}  # it stays until all before it is done
    watermark.finish(first, "store")
    assert watermark.in_hand() == {PLACE: 0}

    watermark.read(PLACE, 2, 2, HOPS, 5)
    watermark.read(PLACE, 0, 0, HOPS, 7)  # the log went back
    assert watermark.in_hand() == {PLACE: 7}
    watermark.revoke(PLACE)
    assert watermark.in_hand() == {}
