"""Keeps what the rules remember per key, and turns it into bytes for the store and back.

The bytes are MessagePack, and structs are arrays in it: new fields go to the end, with a default.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from itertools import repeat
from types import SimpleNamespace

import msgspec

StateKey = tuple[str, str]

#: A key that says nothing for this long is forgotten. Longer than the retention of the topics, so that a replay from
#: the oldest record still meets the state that has seen it.
FORGET_AFTER = timedelta(days=8)
_SWEEP_EVERY = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class State(msgspec.Struct, array_like=True, gc=False):
    """Base of all states; `last_at` is the newest event time that counted (gc=False: states hold no cycles)."""

    last_at: datetime


class Sight(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was seen in one event: all that a signal tells of it. `event` "" means an observation: its id follows."""

    event: str
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    zone: str | None = None
    device: str | None = None
    metric: str | None = None
    value: float | None = None
    thresholds: tuple[float | None, ...] = ()
    simulated: bool = False


class LevelState(msgspec.Struct, array_like=True, gc=False):
    """One level of one key: since when its condition holds, when it last held, whether it fires, since when it clears.

    `held_at` is the newest event that kept it alive; `since` None means that the condition does not hold.
    """

    since: datetime | None = None
    held_at: datetime | None = None
    on: bool = False
    clearing: datetime | None = None

    @property
    def idle(self) -> bool:
        """Nothing to remember."""
        return self.since is None and not self.on


class KeyState(State, tag="key", gc=False):
    """A stateful rule's memory of one key: pending, firing, or (all levels idle) only how far it has seen.

    `passed_at` is the newest deadline that changed it: an older event comes too late.
    """

    levels: list[LevelState] = []
    severity: int = 0
    started_at: datetime | None = None
    first: str = ""
    sight: Sight | None = None
    passed_at: datetime | None = None

    @property
    def idle(self) -> bool:
        """No level is pending or firing."""
        return all(level.idle for level in self.levels)


class AbsentState(State, tag="absent", gc=False):
    """When a key was last heard of. `deadline` is when it counts as absent, `started_at` set while it does."""

    deadline: datetime
    sight: Sight
    started_at: datetime | None = None

    @property
    def idle(self) -> bool:
        """Never: somebody must watch the deadline."""
        return False


class HoursState(State, tag="hours", gc=False):
    """Sums and counts of some metrics by hour, for a derived metric; `closed_at` is the newest hour that is done.

    `sums` maps metric to hour (its start, seconds since 1970) to [sum, count]; `newest` maps metric to the newest time.
    """

    sums: dict[str, dict[int, tuple[float, int]]] = {}
    newest: dict[str, datetime] = {}
    closed_at: datetime | None = None

    @property
    def idle(self) -> bool:
        """It has no deadline of its own."""
        return True


class Calm:
    """What many keys of a rule of silence are at once, as columns: each was just heard of, and in time.

    `at` and `deadline` are microseconds since 1970. A state is made when somebody asks for it: by then most keys have
    been heard of again. `sight` gives what was seen of the key of a number.
    """

    __slots__ = ("_sight", "at", "deadline")

    def __init__(self, at: Sequence[int], deadline: Sequence[int], sight: Callable[[int], Sight]) -> None:
        self.at = at
        self.deadline = deadline
        self._sight = sight

    def state(self, number: int) -> AbsentState:
        """Give the state of a key."""
        return AbsentState(time_of(self.at[number]), time_of(self.deadline[number]), self._sight(number))


AnyState = KeyState | AbsentState | HoursState
#: A state, or where it will come from.
Kept = AnyState | tuple[Calm, int]
_NO_STATES: Mapping[str, Kept] = {}
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyState)


def time_of(number: int) -> datetime:
    """Give the time so many microseconds after 1970 began."""
    return _EPOCH + number * MICROSECOND


def number_of(time: datetime) -> int:
    """Give how many microseconds after 1970 began a time is."""
    return (time - _EPOCH) // MICROSECOND


def copy(state: AnyState) -> AnyState:
    """Give a copy that can be changed without the original noticing."""
    twin = msgspec.structs.replace(state)
    if isinstance(twin, KeyState):
        twin.levels = [msgspec.structs.replace(level) for level in twin.levels]
    if isinstance(twin, HoursState):
        twin.sums = {metric: dict(hours) for metric, hours in twin.sums.items()}
        twin.newest = dict(twin.newest)
    return twin


def made(kept: Kept | None) -> AnyState | None:
    """Give a state that is kept."""
    if isinstance(kept, tuple):
        calm, number = kept
        return calm.state(number)
    return kept


def heard_at(kept: Kept | None) -> int | None:
    """Give when a key was last heard of, in microseconds since 1970; None when it counts as absent, or is not known."""
    if isinstance(kept, tuple):
        calm, number = kept
        return calm.at[number]
    return number_of(kept.last_at) if isinstance(kept, AbsentState) and kept.started_at is None else None


class States:
    """All states of one partition, by rule id and key.

    Read them once on assignment (`load`), give them to every `Engine.step`, write `Outcome.changed` with the offset.
    When that commit fails for good, `undo` brings back what was.
    """

    def __init__(self) -> None:
        self._rules: dict[str, dict[str, Kept]] = {}
        self._live: dict[str, set[str]] = {}
        self._deadlines: dict[str, dict[str, int]] = {}
        self._soonest: dict[str, int] = {}
        self._swept_at: datetime | None = None

    def __len__(self) -> int:
        return sum(len(states) for states in self._rules.values())

    def get(self, rule: str, key: str) -> AnyState | None:
        """Give a state as it stands; do not change it."""
        kept = self.of(rule).get(key)
        state = made(kept)
        if state is not None and state is not kept:
            self._rules[rule][key] = state
        return state

    def of(self, rule: str) -> Mapping[str, Kept]:
        """Give all states of a rule by key, as they are kept."""
        return self._rules.get(rule, _NO_STATES)

    def live(self, rule: str) -> AbstractSet[str]:
        """Give the keys of a rule that are pending, firing or watched."""
        return self._live.get(rule, set())

    def deadlines(self, rule: str) -> Mapping[str, int]:
        """Give, for a rule of silence, when each key counts as absent, in microseconds since 1970."""
        return self._deadlines.get(rule, {})

    def overdue(self, rule: str, now: datetime) -> Sequence[str]:
        """Give, for a rule of silence, the keys whose deadline has come; looks only when one can have."""
        number = number_of(now)
        if number < self._soonest.get(rule, 0):
            return ()
        deadlines = self.deadlines(rule)
        self._soonest[rule] = min((at for at in deadlines.values() if at > number), default=sys.maxsize)
        return [key for key, at in deadlines.items() if at <= number]

    def put(self, rule: str, key: str, state: AnyState | None) -> None:
        """Set a state; None forgets the key."""
        states, live = self._rules.setdefault(rule, {}), self._live.setdefault(rule, set())
        if state is None:
            states.pop(key, None)
        else:
            states[key] = state
        if state is None or state.idle:
            live.discard(key)
        else:
            live.add(key)
        if isinstance(state, AbsentState):
            self._watch(rule, {key: number_of(state.deadline)})
        elif rule in self._deadlines:
            self._deadlines[rule].pop(key, None)

    def put_calm(self, rule: str, keys: Sequence[str], calm: Calm) -> None:
        """Set states of a rule of silence: many at once, as a run is news of nearly every device."""
        if keys:
            self._rules.setdefault(rule, {}).update(zip(keys, zip(repeat(calm), range(len(keys))), strict=True))
            self._live.setdefault(rule, set()).update(keys)
            self._watch(rule, dict(zip(keys, calm.deadline, strict=True)))

    def _watch(self, rule: str, deadlines: Mapping[str, int]) -> None:
        self._deadlines.setdefault(rule, {}).update(deadlines)
        self._soonest[rule] = min(self._soonest.get(rule, 0), *deadlines.values())

    def load(self, rule: str, key: str, raw: bytes) -> None:
        """Read one state from the store; raises msgspec.ValidationError when it is not one."""
        self.put(rule, key, _of_json(raw) if raw.startswith(b"{") else _decoder.decode(raw))

    def dump(self) -> dict[StateKey, bytes]:
        """Give all states as bytes."""
        return {(rule, key): _encoder.encode(state) for rule, key, state in self._all()}

    def encoded(self, keys: Iterable[StateKey]) -> dict[StateKey, bytes | None]:
        """Give some states as bytes, None where there is none any more."""
        found = ((key, self.get(*key)) for key in keys)
        return {key: None if state is None else _encoder.encode(state) for key, state in found}

    def stale(self, now: datetime) -> list[StateKey]:
        """Give the keys that nobody spoke of for FORGET_AFTER and that do not fire; looks once an hour."""
        if self._swept_at is not None and now - self._swept_at < _SWEEP_EVERY:
            return []
        self._swept_at = now
        bound = now - FORGET_AFTER
        return [(rule, key) for rule, key, state in self._all() if state.last_at < bound and state.idle]

    def undo(self, before: Mapping[StateKey, Kept | None]) -> None:
        """Set states back to what they were (`Outcome.before`)."""
        for (rule, key), kept in before.items():
            self.put(rule, key, made(kept))

    def _all(self) -> Iterator[tuple[str, str, AnyState]]:
        for rule, states in self._rules.items():
            for key in states:
                state = self.get(rule, key)
                if state is not None:
                    yield rule, key, state


def _of_json(raw: bytes) -> AnyState:
    """Read a state as it was written until November 2026: a JSON object."""
    said = msgspec.json.decode(raw)
    said["levels"] = [SimpleNamespace(**level) for level in said.get("levels", ())]
    said["sight"] = SimpleNamespace(**said["sight"]) if "sight" in said else None
    state: AnyState = msgspec.convert(SimpleNamespace(**said), AnyState, from_attributes=True, str_keys=True)
    return state
