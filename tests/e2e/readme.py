"""Gives the commands that the READMEs tell a stranger to type."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Of each README the heading above the block that sends something.
SENDING = {"README.md": "## Send something", "README.vi.md": "## Gửi thử dữ liệu"}


def sending(readme: str) -> str:
    """Give the block that sends something, without comments."""
    _, _, below = (ROOT / readme).read_text("utf-8").partition(f"{SENDING[readme]}\n")
    return re.sub(r"\s+# .*$", "", below.split("```")[1], flags=re.MULTILINE).lstrip("\n")
