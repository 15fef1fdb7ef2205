"""Gives the audit line of what somebody does on the command line."""

from __future__ import annotations

import os
import pwd

from api.security.audit import Outcome, entry
from deploy.bootstrap import now
from schemas.store.security import AuditEntry


def noted(action: str, subject: str, **detail: str) -> AuditEntry:
    """Give the line of something that is done, by the machine's user: nobody logs in to a command line."""
    return entry(now(), f"cli:{_machine_user()}", action, subject, Outcome.DONE, **detail)


def _machine_user() -> str:
    """Give the name that the system knows the process by; variables such as USER say what their setter likes."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number without a name
        return str(os.getuid())
