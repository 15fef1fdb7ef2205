from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from deploy.local import account
from deploy.local.account import Account, needs_search, server_account
from schemas.errors import UsageError

STRANGER = Account("stranger", 54321, 54321)


def as_user(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)


def owned_by(monkeypatch: pytest.MonkeyPatch, path: Path, uid: int) -> None:
    """Make stat say that a path has this owner."""
    real = Path.stat

    def stat(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = real(self, follow_symlinks=follow_symlinks)
        return os.stat_result((*found[:4], uid, *found[5:])) if self == path else found

    monkeypatch.setattr(Path, "stat", stat)


def test_a_normal_user_stays_himself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root there is no change of user, neither for new data nor for one's own."""
    as_user(monkeypatch, 1234)
    owned_by(monkeypatch, tmp_path, 1234)
    assert server_account(tmp_path / "new") is None
    assert server_account(tmp_path) is None


def test_data_of_somebody_else_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that root's run made give a normal user one sentence with both names and the way out."""
    as_user(monkeypatch, 1234)
    owned_by(monkeypatch, tmp_path, 0)
    with pytest.raises(UsageError, match=r"belongs to user root, not to you \(1234\).*CANH_HOME"):
        server_account(tmp_path)


def test_root_takes_the_first_account_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For new data root takes an account made for Canh before the ones that every machine has."""
    as_user(monkeypatch, 0)
    present = {"nobody": pwd.getpwnam("nobody")}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: present[name])
    chosen = server_account(tmp_path / "new")
    assert chosen is not None
    assert chosen.name == "nobody"


def test_root_keeps_the_owner_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data keep their owner, even when a better account was added meanwhile."""
    as_user(monkeypatch, 0)
    nobody = pwd.getpwnam("nobody")
    owned_by(monkeypatch, tmp_path, nobody.pw_uid)
    assert server_account(tmp_path) == Account("nobody", nobody.pw_uid, nobody.pw_gid)


def test_a_machine_without_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root on a machine without any of the accounts learns which to make."""
    as_user(monkeypatch, 0)
    monkeypatch.setattr(account, "CANDIDATES", ("no-such-user-here",))
    with pytest.raises(UsageError, match="useradd --system canh"):
        server_account(tmp_path / "new")


def test_closed_directories_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that the account may not enter needs a capability, an open one needs none."""
    monkeypatch.setattr(account, "search_capability", lambda: 2)
    tmp_path.chmod(0o700)
    assert needs_search(STRANGER, tmp_path / "home")
    assert not needs_search(STRANGER, Path("/usr/bin/env"))


def test_closed_directory_without_capability_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the capability is missing the message names the directory and both ways out."""
    monkeypatch.setattr(account, "search_capability", lambda: None)
    tmp_path.chmod(0o700)
    with pytest.raises(UsageError) as refused:
        needs_search(STRANGER, tmp_path / "home")
    assert f"chmod o+x {tmp_path}" in str(refused.value)
    assert "CANH_HOME=/var/lib/canh" in str(refused.value)
