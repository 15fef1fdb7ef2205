"""One frozen record per file; this page lists them all."""

from __future__ import annotations

from schemas.events.alert import Alert
from schemas.events.base import Event, Lane, Mark, Record, Text, Written, derive_id
from schemas.events.batch import ObservationBatch
from schemas.events.case import Case
from schemas.events.dead_letter import DeadLetter, Reason
from schemas.events.detection import Detection
from schemas.events.incident import (
    Change,
    FeedEntry,
    Incident,
    IncidentChange,
    IncidentWrite,
    Reading,
    SignalLink,
    Status,
)
from schemas.events.observation import Observation
from schemas.events.position import Position
from schemas.events.registry import Agency, Device, Source, SourceHealth, Unit, Zone
from schemas.events.report import Report
from schemas.events.signal import Action, Signal

#: What a source can emit.
SourceEvent = Observation | Detection | Report | Alert | Position | Case
#: What travels on the events topic (the priority lane).
PriorityEvent = Detection | Report | Alert | Position | Case

__all__ = [
    "Action",
    "Agency",
    "Alert",
    "Case",
    "Change",
    "DeadLetter",
    "Detection",
    "Device",
    "Event",
    "FeedEntry",
    "Incident",
    "IncidentChange",
    "IncidentWrite",
    "Lane",
    "Mark",
    "Observation",
    "ObservationBatch",
    "Position",
    "PriorityEvent",
    "Reading",
    "Reason",
    "Record",
    "Report",
    "Signal",
    "SignalLink",
    "Source",
    "SourceEvent",
    "SourceHealth",
    "Status",
    "Text",
    "Unit",
    "Written",
    "Zone",
    "derive_id",
]
