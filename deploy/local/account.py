"""Chooses the user of a server: reads the accounts of the machine, gives the one that PostgreSQL may run as."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from deploy.local.launch import search_capability
from schemas.errors import UsageError

ROOT_UID = 0
# PostgreSQL refuses to run as root. An administrator may make a `canh` account; `postgres` comes with a
# distribution's own PostgreSQL; `nobody` is everywhere. The machine's accounts are never changed from here.
CANDIDATES = ("canh", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int


def server_account(data_dir: Path) -> Account | None:
    """Give the account for a server with this data directory, None when the caller's own is right.

    The owner of existing data stays its owner. Raises UsageError when the data belong to somebody whom the
    caller cannot become, or when root finds no account at all.
    """
    me = os.geteuid()
    owner = data_dir.stat().st_uid if data_dir.exists() else me
    if me == ROOT_UID:
        return _first_candidate() if owner == ROOT_UID else _by_uid(owner)
    if owner != me:
        raise UsageError(
            f"{data_dir} belongs to user {user_name(owner)}, not to you ({user_name(me)}). "
            f"Run as {user_name(owner)}, or set CANH_HOME to a directory of your own."
        )
    return None


def needs_search(account: Account, *paths: Path) -> bool:
    """Tell whether the account is shut out of a directory above one of the paths.

    Raises UsageError when it is and this process has no capability to hand on.
    """
    closed = [parent for path in paths for parent in path.absolute().parents if not _may_enter(account, parent)]
    if closed and search_capability() is None:
        raise UsageError(
            f"PostgreSQL cannot run as root, and user {account.name} may not enter {closed[0]}. "
            f"Set CANH_HOME to a place below an open directory, for example CANH_HOME=/var/lib/canh, "
            f"or allow it: chmod o+x {closed[0]}"
        )
    return bool(closed)


def _may_enter(account: Account, directory: Path) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _first_candidate() -> Account:
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise UsageError(
        "PostgreSQL cannot run as root, and this machine has none of the accounts "
        f"{', '.join(CANDIDATES)}. Make one (useradd --system canh), or run as a normal user."
    )


def _by_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise UsageError(
            f"The data belong to user number {uid}, who does not exist on this machine. "
            "Give them to a user who does (chown -R), or set CANH_HOME to another directory."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def user_name(uid: int) -> str:
    """Give the name of a user, the number as text when there is no such user."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
