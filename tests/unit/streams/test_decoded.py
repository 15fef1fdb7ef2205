from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemas.errors import PoisonMessageError
from schemas.events import ObservationBatch
from streams import decoded as module
from streams.decoded import MOST, decoded, remember
from tests.contract.store.samples import observation


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    module._known.clear()
    yield
    module._known.clear()


def batch(number: int) -> ObservationBatch:
    return ObservationBatch.of([observation(value=float(number))])


def test_what_is_remembered_is_not_decoded_again() -> None:
    """Bytes as the broker gives them back, which are other objects than those that were sent."""
    made = batch(1)
    remember(made.to_bytes(), made)
    assert decoded(bytes(bytearray(made.to_bytes()))) is made


def test_two_hops_get_the_same_object() -> None:
    """The second one after the first."""
    raw = batch(1).to_bytes()
    assert decoded(raw) is decoded(raw)
    assert decoded(raw) == batch(1)


def test_no_more_is_remembered_than_is_worth_it() -> None:
    """The one that was asked for longest ago goes first."""
    batches = [batch(number) for number in range(MOST + 1)]
    for made in batches:
        remember(made.to_bytes(), made)
        assert decoded(batches[0].to_bytes()) is batches[0]
    assert decoded(batches[1].to_bytes()) is not batches[1]
    assert len(module._known) == MOST


def test_what_cannot_be_read_is_not_remembered() -> None:
    """It is refused each time."""
    for _ in range(2):
        with pytest.raises(PoisonMessageError):
            decoded(b"{")
    assert not module._known
