"""The feeds of the demo: one source for each kind of device, all in Canh's own JSON."""

from __future__ import annotations

from schemas.events import Source
from streams.sources.simulator.sites import (
    AIR,
    CADENCE_S,
    CAMERAS,
    LANES,
    NOISE,
    RAIN,
    REPORTS,
    RIVER,
    STREET,
    UNITS,
)

#: Source id -> (kind, owner agency, title that people read).
_FEEDS = {
    RIVER: ("sensor", "so-nnmt", "Mực nước sông (mô phỏng)"),
    RAIN: ("sensor", "so-nnmt", "Lượng mưa (mô phỏng)"),
    AIR: ("sensor", "so-nnmt", "Chất lượng không khí (mô phỏng)"),
    NOISE: ("sensor", "so-nnmt", "Tiếng ồn (mô phỏng)"),
    STREET: ("sensor", "ioc-tinh", "Ngập đường phố (mô phỏng)"),
    CAMERAS: ("camera", "cong-an-tinh", "Camera giao thông (mô phỏng)"),
    UNITS: ("position", "ioc-tinh", "Vị trí lực lượng hiện trường (mô phỏng)"),
    REPORTS: ("report", "ioc-tinh", "Phản ánh của người dân (mô phỏng)"),
}


def sources(*, replay: bool) -> tuple[Source, ...]:
    """Give the sources; see `demo_registry` for `replay`."""
    options = {"simulated": "true"} | ({"replay": "true"} if replay else {})
    return tuple(
        Source(
            id=source,
            kind=kind,
            format="native",
            lane=LANES[source],
            title=title,
            agency=agency,
            cadence_s=CADENCE_S[source],
            options=options,
        )
        for source, (kind, agency, title) in _FEEDS.items()
    )
