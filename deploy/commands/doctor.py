"""`canh doctor`: prints what the checkup found, with the fix for each finding."""

from __future__ import annotations

from deploy.checkup import CHECKS
from deploy.commands.terminal import remarks, settings_here, show


def doctor(*, json: bool = False) -> int:
    """Check Python, wheels, broker, database, clocks, disk and ports; exit code 1 when something needs a fix.

    Parameters
    ----------
    json
        Print JSON.
    """
    settings = settings_here()
    findings = [finding for check in CHECKS for finding in check(settings)]
    rows = [("fix" if each.fix else "ok", each.what, each.found, each.fix) for each in findings]
    show("Canh", ("state", "what", "found", "fix"), rows, as_json=json)
    bad = sum(bool(each.fix) for each in findings)
    if bad and not json:
        remarks.print(f"{bad} to fix.", style="red")
    return 1 if bad else 0
