"""Reads ONVIF event notifications: PullMessagesResponse, Notify and metadata streams (Axis sends the same form)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element  # type only: parsing is defusedxml's work

from schemas.errors import PoisonMessageError
from schemas.events import Source
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft
from streams.sources.documents import check_items, local, xml_document

#: Topic without its prefixes, by its beginning, to our label (ONVIF topic namespace, Axis and Reolink additions).
LABELS: tuple[tuple[str, str], ...] = (
    ("VideoSource/MotionAlarm", "motion"),
    ("RuleEngine/CellMotionDetector/Motion", "motion"),
    ("RuleEngine/MotionRegionDetector/Motion", "motion"),
    ("RuleEngine/TamperDetector/Tamper", "tamper"),
    ("VideoSource/GlobalSceneChange", "tamper"),
    ("VideoSource/ImageTooDark", "image_too_dark"),
    ("VideoSource/ImageTooBright", "image_too_bright"),
    ("VideoSource/ImageTooBlurry", "image_too_blurry"),
    ("VideoSource/SignalLoss", "video_loss"),
    ("RuleEngine/FieldDetector/ObjectsInside", "intrusion"),
    ("RuleEngine/LineDetector/Crossed", "line_crossing"),
    ("RuleEngine/LoiteringDetector", "loitering"),
    ("RuleEngine/MyRuleDetector/PeopleDetect", "person"),
    ("RuleEngine/MyRuleDetector/VehicleDetect", "car"),
    ("RuleEngine/MyRuleDetector/DogCatDetect", "animal"),
    ("AudioAnalytics/Audio/DetectedSound", "sound"),
    ("Device/Trigger/DigitalInput", "digital_input"),
    ("Device/Sensor/PIR", "motion"),
    ("CameraApplicationPlatform/FenceGuard", "intrusion"),
    ("CameraApplicationPlatform/LoiteringGuard", "loitering"),
    ("CameraApplicationPlatform/MotionGuard", "motion"),
    ("CameraApplicationPlatform/VMD", "motion"),
    ("CameraApplicationPlatform/ObjectAnalytics", "object"),
)
_STATES = frozenset(
    {"state", "active", "logicalstate", "ismotion", "istamper", "isinside", "issounddetected", "isloitering", "value"}
)
_ON, _OFF = frozenset({"true", "1", "active", "on"}), frozenset({"false", "0", "inactive", "off"})


class Onvif:
    """ONVIF events: the device is the source, or `<source>/<value>` of the source item that `key` names."""

    format = "onvif"
    title = "ONVIF notifications (PullMessagesResponse, Notify, metadata stream), Axis included"

    def read(
        self,
        raw: bytes,
        source: Source,
        headers: Mapping[str, bytes],  # noqa: ARG002 -- the protocol's
    ) -> Iterator[Draft | PoisonMessageError]:
        """Give a detection for each notification that tells of something seen, or of its end."""
        messages = [element for element in xml_document(raw).iter() if local(element.tag) == "NotificationMessage"]
        if not messages:
            raise PoisonMessageError(Reason.UNSUPPORTED, "message holds no NotificationMessage")
        check_items(len(messages))
        for message in messages:
            try:
                yield _draft(message, source)
            except PoisonMessageError as error:
                yield error


def _draft(message: Element, source: Source) -> Draft:
    topic = re.sub(
        r"[\w.\-]+:", "", next((e.text or "" for e in message.iter() if local(e.tag) == "Topic"), "")
    ).strip()
    label = next((label for start, label in LABELS if topic.startswith(start)), None)
    if label is None:
        raise PoisonMessageError(Reason.UNSUPPORTED, f"topic {topic[:100]!r} is no detection", field="Topic")
    body = next((e for e in message.iter() if local(e.tag) == "Message" and "UtcTime" in e.attrib), None)
    if body is None:
        raise PoisonMessageError(Reason.BAD_TIME, "notification has no UtcTime", field="UtcTime")
    at, change = body.attrib["UtcTime"], body.attrib.get("PropertyOperation", "Changed")
    items, data = _items(body, "Source"), _items(body, "Data")
    on = _is_on(data)
    if not on and change == "Initialized":
        raise PoisonMessageError(Reason.UNSUPPORTED, f"{topic}: tells that nothing is seen", field="PropertyOperation")
    device = f"{source.id}/{items.get(source.key, '')}".rstrip("/") if source.key else source.id
    track = _items(body, "Key").get("ObjectId") or data.get("ObjectId")
    area = items.get("Rule") or items.get("RuleName") or _last_part(topic)
    return Draft(
        kind="detection",
        at=at,
        fields={"device": device, "label": label, "track": track, "area": area, "ended_at": None if on else at},
        event_id="|".join((device, topic, area or "", track or "", at, str(on)))[:256],
    )


def _items(body: Element, part: str) -> dict[str, str]:
    return {
        item.attrib.get("Name", ""): item.attrib.get("Value", "")
        for group in body
        if local(group.tag) == part
        for item in group
        if local(item.tag) == "SimpleItem"
    }


def _is_on(data: dict[str, str]) -> bool:
    """Say whether it is on; an event without a state (a line was crossed) happened, so it is."""
    states = [value.lower() for name, value in data.items() if name.lower() in _STATES]
    if not states:
        return True
    if states[0] not in _ON | _OFF:
        raise PoisonMessageError(Reason.BAD_SHAPE, f"state {states[0][:40]!r} is neither true nor false", field="Data")
    return states[0] in _ON


def _last_part(topic: str) -> str | None:
    """Axis puts the profile into the topic: FenceGuard/Camera1Profile1."""
    return topic.rpartition("/")[2] if topic.startswith("CameraApplicationPlatform") else None
