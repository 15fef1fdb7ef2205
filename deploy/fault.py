"""The last line of defence: reads an error that nobody expected, gives one sentence and keeps its traceback."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from deploy.settings import Settings
from schemas.errors import SettingsError

logger = logging.getLogger(__name__)

#: Name of the handler of a process that logs: a worker, the API, the MQTT bridge (see configure_logs).
HANDLER = "canh"


def tell_fault(error: Exception) -> str:
    """Give a sentence for a person; the traceback goes to the log, to HOME/logs, or to standard error."""
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return f"This is a fault of Canh, not of yours ({what}). {_keep(error)}"


def _keep(error: Exception) -> str:
    if any(handler.name == HANDLER for handler in logging.getLogger().handlers):  # people look there
        logger.critical("fault: %r", error, exc_info=error)
        return "The log above has the details."
    settings = _settings()
    if settings is not None and settings.log_level != "debug":
        path = settings.home.absolute() / "logs" / f"fault-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"
        if _written(path, error):
            return f"The details are in {path}: please send them to who looks after Canh."
    traceback.print_exception(error, file=sys.stderr)
    return "The details are above: please send them to who looks after Canh."


def _settings() -> Settings | None:
    try:
        return Settings.load()
    except SettingsError:
        return None


def _written(path: Path, error: Exception) -> bool:
    """Write the traceback; False where there is no home, for a fault must not be what makes one."""
    try:
        if not path.parents[1].is_dir():
            return False
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return False
    return True
