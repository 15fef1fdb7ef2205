"""The process ids that `canh up` notes of its services: a file may be gone at any moment, while one is started anew."""

from __future__ import annotations

import json
from pathlib import Path


def noted_pid(home: Path, name: str) -> int:
    """Give the process id of a service; raises FileNotFoundError or ValueError while it is being started."""
    return int(json.loads((home / "run" / f"{name}.pid").read_text(encoding="ascii"))["pid"])


def noted_pid_or_none(home: Path, name: str) -> int | None:
    """Give the process id of a service, None while it is being started."""
    try:
        return noted_pid(home, name)
    except (FileNotFoundError, ValueError):
        return None
