"""Reads Hikvision ISAPI event notifications (EventNotificationAlert), also inside a multipart alert stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element  # type only: parsing is defusedxml's work

from schemas.errors import PoisonMessageError
from schemas.events import Source
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft
from streams.sources.documents import check_items, check_size, local, xml_document
from streams.sources.names import snake

#: eventType (ISAPI and the older PSIA namespace) to our labels; another type keeps its name in snake case.
LABELS: dict[str, str] = {
    "fielddetection": "intrusion",
    "linedetection": "line_crossing",
    "vmd": "motion",
    "pir": "motion",
    "videoloss": "video_loss",
    "videomismatch": "video_mismatch",
    "shelteralarm": "tamper",
    "tamperdetection": "tamper",
    "scenechangedetection": "tamper",
    "defocus": "defocus",
    "io": "digital_input",
    "regionentrance": "region_entrance",
    "regionexiting": "region_exiting",
    "facedetection": "face",
    "smokedetection": "smoke",
    "firedetection": "fire",
    "group": "crowd",
    "loitering": "loitering",
    "unattendedbaggage": "unattended_object",
    "attendedbaggage": "removed_object",
    "diskfull": "disk_full",
    "diskerror": "disk_error",
}
#: A licence plate is personal data and no event of ours.
_NOT_READ = frozenset({"anpr", "vehicledetection"})
#: What tells cameras of one source apart, best first: channel numbers begin at 1 in each of them.
_IDENTITY = ("macAddress", "serialNumber", "ipAddress", "ipv6Address")
_ALERT = re.compile(rb"<EventNotificationAlert\b.*?</EventNotificationAlert>", re.DOTALL)


class Hikvision:
    """ISAPI events: one detection for each alert; the device is `<source>/<channelID>`, or what `key` names."""

    format = "hikvision"
    title = "Hikvision ISAPI EventNotificationAlert (both namespaces, multipart streams)"

    def read(
        self,
        raw: bytes,
        source: Source,
        headers: Mapping[str, bytes],  # noqa: ARG002 -- the protocol's
    ) -> Iterator[Draft | PoisonMessageError]:
        """Give the detections of the alerts in a message; heartbeats are refused as unsupported."""
        if raw.lstrip()[:1] == b"<":
            yield _draft(xml_document(raw), source)
            return
        check_size(raw)
        alerts = _ALERT.findall(raw)
        if not alerts:
            raise PoisonMessageError(Reason.BAD_XML, "message holds no EventNotificationAlert")
        check_items(len(alerts))
        for alert in alerts:
            try:
                yield _draft(xml_document(alert), source)
            except PoisonMessageError as error:
                yield error


def _draft(root: Element, source: Source) -> Draft:
    if local(root.tag) != "EventNotificationAlert":
        raise PoisonMessageError(
            Reason.BAD_SHAPE, f"root element is {local(root.tag)[:40]!r}, not EventNotificationAlert"
        )
    texts = _texts(root)
    kind = texts.get("eventType", "").lower()
    kind = texts.get("relationEvent", kind).lower() if kind == "duration" else kind
    active = texts.get("eventState", "active").lower() == "active"
    if not kind:
        raise PoisonMessageError(Reason.BAD_SHAPE, "eventType is missing", field="eventType")
    if kind == "heartbeat" or (kind == "videoloss" and not active):
        raise PoisonMessageError(
            Reason.UNSUPPORTED, "a heartbeat: the camera is well and saw nothing", field="eventType"
        )
    if kind in _NOT_READ:
        raise PoisonMessageError(Reason.UNSUPPORTED, "licence plates are personal data and not read", field="eventType")
    at = texts.get("dateTime")
    device = _device(texts, source)
    camera = next((texts[name] for name in _IDENTITY if name in texts), "")
    return Draft(
        kind="detection",
        at=at,
        fields={
            "device": device,
            "label": LABELS.get(kind, snake(kind)),
            "area": texts.get("regionID") or texts.get("inputIOPortID"),
            "ended_at": None if active else at,
        },
        event_id=f"{device}|{camera}|{kind}|{at}|{texts.get('regionID', '')}|{'on' if active else 'off'}"[:256],
    )


def _device(texts: dict[str, str], source: Source) -> str:
    if source.key:
        return texts.get(source.key, "")
    channel = texts.get("channelID") or texts.get("dynChannelID")
    return f"{source.id}/{channel}" if channel else source.id


def _texts(root: Element) -> dict[str, str]:
    """Give the first text of each element name; of several regions the first one is told."""
    texts: dict[str, str] = {}
    for element in root.iter():
        text = (element.text or "").strip()
        if text:
            texts.setdefault(local(element.tag), text)
    return texts
