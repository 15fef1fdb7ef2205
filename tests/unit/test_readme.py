from __future__ import annotations

from tests.e2e.readme import sending


def test_both_readmes_tell_the_same_commands() -> None:
    """What is proven by running one of them holds for the other."""
    assert sending("README.md") == sending("README.vi.md") != ""
