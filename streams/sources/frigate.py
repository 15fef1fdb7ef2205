"""Reads the events that Frigate publishes over MQTT (topic frigate/events): new, update, end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.errors import PoisonMessageError
from schemas.events import Source
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft
from streams.sources.documents import json_document


class Frigate:
    """Frigate's tracked objects: one detection for each message, tied together by `track`."""

    format = "frigate"
    title = "Frigate MQTT events (new, update, end)"

    def read(
        self,
        raw: bytes,
        source: Source,  # noqa: ARG002 -- the protocol's
        headers: Mapping[str, bytes],  # noqa: ARG002 -- the protocol's
    ) -> Iterator[Draft | PoisonMessageError]:
        """Give the detection; sub labels (names of recognised people, plates) are personal data and not read."""
        event = json_document(raw)
        after = event.get("after") if isinstance(event, dict) else None
        if not isinstance(after, dict):
            raise PoisonMessageError(
                Reason.BAD_SHAPE, "a Frigate event has `type`, `before` and `after`", field="after"
            )
        kind = event.get("type")
        if kind not in ("new", "update", "end"):
            raise PoisonMessageError(
                Reason.UNSUPPORTED, f"event type {str(kind)[:40]!r} is not new, update or end", field="type"
            )
        if after.get("false_positive"):
            raise PoisonMessageError(
                Reason.UNSUPPORTED, "Frigate itself calls it a false positive", field="false_positive"
            )
        yield _draft(kind, after)


def _draft(kind: str, after: dict[str, Any]) -> Draft:
    at = after.get("start_time") if kind == "new" else after.get("frame_time")
    ended_at = (after.get("end_time") or at) if kind == "end" else None
    return Draft(
        kind="detection",
        at=ended_at if kind == "end" else at,
        fields={
            "device": after.get("camera"),
            "label": after.get("label"),
            "confidence": after.get("score") or after.get("top_score") or None,
            "track": after.get("id"),
            "area": _area(after),
            "ended_at": ended_at,
        },
        event_id=f"{after.get('id')}:{kind}:{after.get('frame_time')}"[:256],
    )


def _area(after: dict[str, Any]) -> Any:
    """Give the zone that the object is in, else the last one that it entered."""
    for zones, place in ((after.get("current_zones"), 0), (after.get("entered_zones"), -1)):
        if isinstance(zones, list) and zones:
            return zones[place]
    return None
