"""Reads the dead letters of one commit, gives each refusal once with how often it came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from schemas.events import DeadLetter
from schemas.store.content import storable_letter


@dataclass(slots=True)
class Told:
    """One refusal as one commit tells it: its first letter, and when it came: times that rise."""

    letter: DeadLetter
    times: list[datetime]

    def later_than(self, last: datetime) -> int:
        """Give how often it came again after `last`: the same however its letters are spread over commits."""
        return sum(at > last for at in self.times)


def gathered(letters: Iterable[DeadLetter]) -> list[Told]:
    """Give the refusals of one commit by id; of equal ones the first stands, those that came later count."""
    found: dict[str, Told] = {}
    for letter in letters:
        known = found.get(letter.id)
        if known is None:
            found[letter.id] = Told(storable_letter(letter), [letter.received_at])
        elif letter.received_at > known.times[-1]:
            known.times.append(letter.received_at)
    return [found[id_] for id_ in sorted(found)]


def order_of(letter: DeadLetter) -> tuple[datetime, int, int, str]:
    """Give the place of a refusal in the order in which refusals came."""
    return letter.received_at, letter.partition, letter.offset, letter.id
