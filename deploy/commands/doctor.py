"""`canh doctor`: prints what the checkup found, with the fix for each finding."""

from __future__ import annotations

from deploy.checkup import CHECKS
from deploy.commands.terminal import remarks, settings_here, show
from deploy.local.home import Home
from deploy.settings import Settings
from schemas.errors import UsageError


def doctor(*, json: bool = False) -> int:
    """Check Python, wheels, broker, database, clocks, disk, ports and settings; exit code 1 when something needs a fix.

    Parameters
    ----------
    json
        Print JSON.
    """
    settings = _settings()
    findings = [finding for check in CHECKS for finding in check(settings)]
    rows = [("fix" if each.fix else "ok", each.what, each.found, each.fix) for each in findings]
    show("Canh", ("state", "what", "found", "fix"), rows, as_json=json)
    bad = sum(bool(each.fix) for each in findings)
    if bad and not json:
        remarks.print(f"{bad} to fix.", style="red")
    return 1 if bad else 0


def _settings() -> Settings:
    """Read the settings; a home that cannot be read is a finding, so it does not end the checkup."""
    settings = Settings.load()
    try:
        Home(settings.home).in_use()
    except UsageError:
        return settings
    return settings_here()
