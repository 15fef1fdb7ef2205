"""Roles, keys and what they may see."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.security import roles, scope
from api.security.roles import Permission
from schemas.events import Device, Source, Unit
from schemas.store.abstract import Scope
from schemas.store.security import Account, ApiKey

_CLOSE = {"supervisor", "admin"}
_WORK = {"operator", "supervisor", "admin"}


@pytest.mark.parametrize("role", sorted(roles.ROLES))
def test_only_the_named_roles_work_on_incidents(role: str) -> None:
    """Closing is for supervisors, the other orders for operators, comments for the field too."""
    may = roles.of_role(role)
    assert (Permission.CLOSE in may) == (role in _CLOSE)
    for order in (Permission.ACK, Permission.ASSIGN, Permission.RESOLVE):
        assert (order in may) == (role in _WORK)
    assert (Permission.COMMENT in may) == (role in _WORK | {"field"})
    assert Permission.READ in may
    assert (Permission.INGEST in may) == (role == "admin")


def test_an_unknown_role_or_scope_opens_nothing() -> None:
    """What is not in the table is not permitted."""
    assert roles.of_role("root") == frozenset()
    assert roles.of_role("device") == frozenset()  # machines have keys, which name their sources
    assert roles.of_key(("everything", "close", "ack")) == frozenset()


def test_an_account_without_limits_sees_everything() -> None:
    """Unset means all."""
    assert scope.of_account(Account("a", "viewer", "")) == Scope()
    limited = scope.of_account(Account("a", "viewer", "", agency="fire", communes=("1", "2")))
    assert limited == Scope(frozenset({"fire"}), frozenset({"1", "2"}))


def test_a_key_is_narrowed_by_its_scopes() -> None:
    """Agency and commune words narrow what a reading key sees."""
    key = ApiKey("k", b"", "t", ("read", "agency:fire", "commune:1"), (), datetime(2026, 1, 1, tzinfo=UTC))
    assert scope.of_key(key) == Scope(frozenset({"fire"}), frozenset({"1"}))


@pytest.mark.parametrize("odd", ["agancy:fire", "agency", "agency:", "commune:", "everything", "Read", ""])
def test_a_key_with_an_odd_scope_sees_nothing(odd: str) -> None:
    """What was meant to narrow it, misspelt, must not open everything."""
    key = ApiKey("k", b"", "t", ("read", odd), (), datetime(2026, 1, 1, tzinfo=UTC))
    assert scope.of_key(key) == Scope(frozenset(), frozenset())


def test_things_of_other_agencies_and_communes_are_not_seen() -> None:
    """Sources, devices and units follow the same two rules."""
    fire = Scope(agencies=frozenset({"fire"}))
    here = Scope(communes=frozenset({"1"}))
    police = Source(id="s", kind="camera", format="native", agency="police")
    common = Source(id="c", kind="sensor", format="native")
    device = Device(id="d", source="s", commune="1")
    assert not scope.sees_source(fire, police)
    assert scope.sees_source(fire, common)
    assert not scope.sees_device(fire, device, police)
    assert not scope.sees_device(fire, device, None)
    assert scope.sees_device(here, device, police)
    assert not scope.sees_device(here, Device(id="d", source="s"), police)
    unit = Unit(id="u", name="u", kind="car", agency="police")
    assert not scope.sees_unit(fire, unit, {"1"})
    assert scope.sees_unit(here, unit, {"1", "2"})
    assert not scope.sees_unit(here, unit, {"2"})
    assert not scope.sees_unit(here, unit, ())
    assert scope.sees_unit(Scope(), unit, ())
