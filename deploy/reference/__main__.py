"""Writes the reference pages anew; refuses to change a record's version in a way that its readers cannot bear."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deploy.reference import SCHEMAS, documents
from deploy.reference.growth import breaking_changes

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Write what changed; give exit code 1, and write no schema, when one would break its readers."""
    made = documents()
    broken = [line for name in made if name.startswith(SCHEMAS) for line in _broken(name, made[name])]
    if broken:
        sys.stderr.write("\n".join(broken) + "\nGive the record a new version tag, or delete its file if nobody has ")
        sys.stderr.write("read this version yet.\n")
        return 1
    for name, text in made.items():
        path = ROOT / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            sys.stdout.write(f"written {name}\n")
    return 0


def _broken(name: str, text: str) -> list[str]:
    path = ROOT / name
    if not path.exists():
        return []
    return [f"{name}: {why}" for why in breaking_changes(json.loads(path.read_text("utf-8")), json.loads(text))]


if __name__ == "__main__":
    sys.exit(main())
