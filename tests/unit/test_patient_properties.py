from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def test_no_property_fails_because_the_machine_is_slow() -> None:
    """Neither a slow example nor slow drawing is a failure, in whatever file the property stands."""
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_ci_tries_the_same_examples_every_time() -> None:
    """There luck decides nothing; other runs go on exploring."""
    assert settings().derandomize is bool(os.environ.get("CANH_TEST_NO_SKIP"))
