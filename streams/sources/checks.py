"""Edge rules of single values: a time, a number, a position, a name; each gives the clean value or refuses it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from geo.projection import WGS84, to_wgs84
from schemas.errors import PoisonMessageError
from schemas.events.dead_letter import Reason
from schemas.limits import MAX_NAME_CHARS, MAX_TEXT_BYTES
from schemas.text import clean
from streams.sources.abstract import Draft

#: Times outside are no times: a clock never set, or a wrong unit of the epoch. Inside they are kept and marked.
OLDEST, NEWEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def instant(at: object, field: str) -> datetime:
    """Give a time in UTC of RFC 3339 text, an aware datetime or seconds since the epoch; refuses (bad_time)."""
    try:
        moment = _moment(at)
        if moment.tzinfo is None:
            raise PoisonMessageError(
                Reason.BAD_TIME, f"time {str(at)[:40]!r} has no zone: end it with Z or +07:00", field=field
            )
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        message = f"{str(at)[:40]!r} is not a time: use RFC 3339 such as 2025-11-19T07:00:00+07:00"
        raise PoisonMessageError(Reason.BAD_TIME, message, field=field) from error
    if not OLDEST <= moment < NEWEST:
        raise PoisonMessageError(
            Reason.BAD_TIME, f"time {moment.isoformat()} is before 1970-01-02 or after 2099", field=field
        )
    return moment


def _moment(at: object) -> datetime:
    if isinstance(at, datetime):
        return at
    if isinstance(at, str):
        try:
            return msgspec.convert(at, datetime)
        except msgspec.ValidationError:
            return datetime.fromisoformat(at)
    if isinstance(at, int | float) and not isinstance(at, bool):
        return datetime.fromtimestamp(at, UTC)
    raise ValueError("no time")


def draft_instant(draft: Draft, received_at: datetime, field: str = "observed_at") -> datetime:
    """Give when a draft says that it happened."""
    if draft.after_reception_s is not None:
        try:
            return instant(received_at + timedelta(seconds=draft.after_reception_s), field)
        except (OverflowError, ValueError) as error:
            raise PoisonMessageError(Reason.BAD_TIME, "relative time is out of range", field=field) from error
    if draft.at is None or draft.at == "":
        raise PoisonMessageError(Reason.BAD_TIME, "message has no time of observation", field=field)
    return instant(draft.at, field)


def number(value: object, field: str) -> float:
    """Give a finite float; refuses text, true, null, NaN and infinity (bad_number)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            result = float(value)
        except OverflowError:
            result = math.inf
        if math.isfinite(result):
            return result
    raise PoisonMessageError(Reason.BAD_NUMBER, f"{str(value)[:40]!r} is not a finite number", field=field)


def name(value: object, field: str) -> str:
    """Give an identifier in NFC; refuses what is no text, empty, too long or has control characters."""
    if not isinstance(value, str) or not value.strip():
        raise PoisonMessageError(Reason.BAD_SHAPE, f"{field} is missing", field=field)
    if len(value) > MAX_NAME_CHARS:
        raise PoisonMessageError(Reason.TOO_LARGE, f"{field} is longer than {MAX_NAME_CHARS} characters", field=field)
    return clean(value, field, limit_bytes=4 * MAX_NAME_CHARS).strip()


def place(lon: Any, lat: Any, srid: object) -> tuple[float, float] | None:
    """Give lon, lat in WGS 84, None when the sender gave none; refuses half a position and one off the earth.

    `srid` is what the sender wrote: anything but the whole number of a system that we know is refused.
    """
    if lon is None and lat is None:
        return None
    if lon is None or lat is None:
        raise PoisonMessageError(
            Reason.BAD_POSITION, "position has only one of lon and lat", field="lon" if lon is None else "lat"
        )
    try:
        x, y = number(lon, "lon"), number(lat, "lat")
    except PoisonMessageError as error:
        raise PoisonMessageError(Reason.BAD_POSITION, str(error), field=error.field) from error
    if type(srid) is not int:  # no bool either; a list would not even be a question that `to_wgs84` can be asked
        message = f"srid is {str(srid)[:40]!r}: write the EPSG code as a whole number without quotes, such as 9218"
        raise PoisonMessageError(Reason.BAD_POSITION, message, field="srid")
    if srid != WGS84:
        return to_wgs84(x, y, srid)
    if not -180 <= x <= 180:
        raise PoisonMessageError(Reason.BAD_POSITION, f"lon {x} is not in [-180, 180]", field="lon")
    if not -90 <= y <= 90:
        raise PoisonMessageError(
            Reason.BAD_POSITION, f"lat {y} is not in [-90, 90] (is the order lon, lat?)", field="lat"
        )
    return x, y


def tidy(value: Any, field: str) -> Any:
    """Give a field of an event with every text in NFC and every number finite, in lists and objects too."""
    if isinstance(value, str):
        return clean(value, field, limit_bytes=MAX_TEXT_BYTES)
    if isinstance(value, float):
        return number(value, field)
    if isinstance(value, list | tuple):
        return [tidy(item, field) for item in value]
    if isinstance(value, dict):
        return {tidy(key, field): tidy(item, field) for key, item in value.items()}
    return value
