"""The query parameters of the incident list and of the feed; an unknown one is refused, never ignored."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from schemas.events import Status
from schemas.store.abstract import IncidentQuery, Scope

#: Times of ours lie between these: at the ends of the calendar, sums and other zones' times would not exist.
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _of_our_time(at: datetime) -> datetime:
    if not EARLIEST <= at <= LATEST:
        raise ValueError(f"write a time between the years {EARLIEST.year} and {LATEST.year}")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
Box = tuple[float, float, float, float]
Word = Annotated[str, Field(min_length=1, max_length=100)]


def read_box(text: object) -> Box | None:
    """Give west, south, east, north in degrees; raises ValueError telling the form that is wanted."""
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in str(text).split(","))
    except ValueError as error:
        raise ValueError("write bbox=west,south,east,north in degrees") from error
    if not all(math.isfinite(edge) for edge in (west, south, east, north)):
        raise ValueError("write bbox=west,south,east,north in degrees")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError("west <= east within [-180, 180], south <= north within [-90, 90]")
    return west, south, east, north


class BoxFilter(BaseModel):
    """The map's window; unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid")

    # Any: the text is read by the validator below; OpenAPI shall show a string.
    bbox: Annotated[
        Any, Field(description="west,south,east,north in degrees", json_schema_extra={"type": "string"})
    ] = None

    @field_validator("bbox")
    @classmethod
    def _box(cls, value: object) -> Box | None:
        return read_box(value)


class IncidentFilter(BoxFilter):
    """What list and feed have in common."""

    commune: list[Word] = Field([], max_length=200)
    kind: list[Word] = Field([], max_length=100)
    severity_min: int = Field(1, ge=1, le=5)
    status: list[Status] = []
    agency: list[Word] = Field([], max_length=100)
    q: str = Field("", max_length=200, description="Words of title, place, agency; accents do not matter.")

    def query(self, scope: Scope) -> IncidentQuery:
        """Give the store's query within a reader's scope."""
        return IncidentQuery(
            bbox=self.bbox,
            communes=frozenset(self.commune),
            kinds=frozenset(self.kind),
            statuses=frozenset(self.status),
            agencies=frozenset(self.agency),
            severity_min=self.severity_min,
            text=self.q,
            scope=scope,
        )


class PeriodFilter(IncidentFilter):
    """What list and counts have in common: also by time."""

    since: Moment | None = Field(None, description="Updated at or after this time.")
    until: Moment | None = Field(None, description="Opened before this time.")

    def query(self, scope: Scope) -> IncidentQuery:
        """Give the store's query within a reader's scope."""
        return replace(super().query(scope), since=self.since, until=self.until)


class ListFilter(PeriodFilter):
    """The incident list: in pages, in two forms."""

    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = Field(None, max_length=500)
    format: Literal["json", "geojson"] = "json"


class FeedFilter(IncidentFilter):
    """The feed: `since` is a feed id (the header Last-Event-ID, when sent, goes before it)."""

    since: str | None = Field(None, max_length=40, description="The last feed id that the client has.")
