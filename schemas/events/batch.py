"""Many observations as columns: what the bulk path works on and what travels on the observations topic."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import polars as pl

from schemas.errors import PoisonMessageError
from schemas.events.dead_letter import Reason
from schemas.events.observation import Observation

_TIME = pl.Datetime("us", "UTC")
_WORDS = pl.List(pl.String)
#: The last bytes of an Arrow IPC stream.
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class ObservationBatch:
    """Observations as a frame, one row each; ids are not carried, they follow from device, metric and time.

    The columns and their types are `SCHEMA`, in that order; all but the conversion's, the place's and the commune are
    never null. Each is also an attribute that gives a list: the slow way, for people and small batches. Never changed
    after it was made.
    """

    #: Version of the layout on the bus, as CloudEvents type.
    KIND: Final = "observations.v2"
    SCHEMA: Final[Mapping[str, Any]] = {
        "source": pl.String,
        "device": pl.String,
        "metric": pl.String,
        "observed_at": _TIME,
        "received_at": _TIME,
        "value": pl.Float64,
        "source_value": pl.Float64,
        "source_unit": pl.String,
        "lon": pl.Float64,
        "lat": pl.Float64,
        "commune": pl.String,
        "zone_ids": _WORDS,
        "marks": _WORDS,
    }
    OPTIONAL: Final = frozenset({"source_value", "source_unit", "lon", "lat", "commune"})

    __slots__ = ("_lists", "frame")

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._lists: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        return self.frame.height

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObservationBatch) and self.frame.equals(other.frame)

    __hash__ = None  # type: ignore[assignment]  # a frame can be compared, not hashed

    def __repr__(self) -> str:
        return f"ObservationBatch({self.frame!r})"

    @classmethod
    def of(cls, rows: Sequence[Observation]) -> ObservationBatch:
        """Turn rows into columns."""
        columns = {name: [getattr(row, name) for row in rows] for name in cls.SCHEMA}
        for name in ("zone_ids", "marks"):
            columns[name] = [list(words) for words in columns[name]]
        return cls(pl.DataFrame(columns, schema=cls.SCHEMA))

    @classmethod
    def of_columns(cls, **columns: Sequence[Any]) -> ObservationBatch:
        """Take plain columns of equal length, every one of `SCHEMA`."""
        return cls(pl.DataFrame(columns, schema=cls.SCHEMA))

    @classmethod
    @cache
    def none(cls) -> ObservationBatch:
        """Give the batch without rows: a run of alarms has none, and to make a frame takes 1 ms."""
        return cls(pl.DataFrame(schema=cls.SCHEMA))

    @classmethod
    def joined(cls, batches: Sequence[ObservationBatch]) -> ObservationBatch:
        """Put batches one after the other; at least one."""
        return batches[0] if len(batches) == 1 else cls(pl.concat([batch.frame for batch in batches]))

    def slice(self, start: int, stop: int) -> ObservationBatch:
        """Give rows start (included) to stop (excluded) as a batch of their own."""
        return ObservationBatch(self.frame[start:stop])

    def halves(self) -> tuple[ObservationBatch, ObservationBatch]:
        """Cut in the middle, to find a bad row."""
        middle = len(self) // 2
        return self.slice(0, middle), self.slice(middle, len(self))

    def rows(self) -> Iterator[Observation]:
        """Give the observations one by one (the slow way)."""
        return map(_observation, self.frame.iter_rows(named=True))

    def row(self, i: int) -> Observation:
        """Give row i as a record, without a look at the others."""
        return _observation(self.frame.row(i, named=True))

    def column(self, name: str) -> list[Any]:
        """Give one column as a list, made when it is first asked for."""
        found = self._lists.get(name)
        if found is None:
            found = self._lists[name] = self.frame.get_column(name).to_list()
        return found

    @property
    def source(self) -> list[str]:
        """Registered feed of each row."""
        return self.column("source")

    @property
    def device(self) -> list[str]:
        """Device of each row."""
        return self.column("device")

    @property
    def metric(self) -> list[str]:
        """Metric of each row (schemas/metrics.py)."""
        return self.column("metric")

    @property
    def observed_at(self) -> list[datetime]:
        """When each was measured, UTC."""
        return self.column("observed_at")

    @property
    def received_at(self) -> list[datetime]:
        """When the broker took each, UTC."""
        return self.column("received_at")

    @property
    def value(self) -> list[float]:
        """Value of each in the metric's own unit."""
        return self.column("value")

    @property
    def source_value(self) -> list[float | None]:
        """What the sender wrote, where it was converted."""
        return self.column("source_value")

    @property
    def source_unit(self) -> list[str | None]:
        """Unit that the sender wrote in (UCUM), where it was converted."""
        return self.column("source_unit")

    @property
    def lon(self) -> list[float | None]:
        """Degrees east, WGS 84."""
        return self.column("lon")

    @property
    def lat(self) -> list[float | None]:
        """Degrees north, WGS 84."""
        return self.column("lat")

    @property
    def commune(self) -> list[str | None]:
        """Code of the commune that holds each."""
        return self.column("commune")

    @property
    def zone_ids(self) -> list[list[str]]:
        """Zones that hold each, sorted."""
        return self.column("zone_ids")

    @property
    def marks(self) -> list[list[str]]:
        """What is odd about each (`Mark`), sorted."""
        return self.column("marks")

    def to_bytes(self) -> bytes:
        """Give it as one Arrow IPC stream, compressed with LZ4."""
        buffer = io.BytesIO()
        self.frame.write_ipc_stream(buffer, compression="lz4")
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> ObservationBatch:
        """Read what `to_bytes` wrote; raises PoisonMessageError (bad_encoding, bad_shape) for anything else."""
        if not raw.endswith(_END):  # Polars would give what it has of a stream that was cut off
            raise PoisonMessageError(Reason.BAD_ENCODING, "not a whole Arrow IPC stream")
        try:
            frame = pl.read_ipc_stream(raw)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise PoisonMessageError(Reason.BAD_ENCODING, f"not an Arrow IPC stream: {error}") from error
        if dict(frame.schema) != cls.SCHEMA:
            raise PoisonMessageError(Reason.BAD_SHAPE, f"columns {dict(frame.schema)}, not those of {cls.KIND}")
        nulls = [name for name in cls.SCHEMA if name not in cls.OPTIONAL and frame.get_column(name).null_count()]
        if nulls:
            raise PoisonMessageError(Reason.BAD_SHAPE, f"rows without {', '.join(nulls)}", field=nulls[0])
        return cls(frame)


def _observation(fields: dict[str, Any]) -> Observation:
    id_ = Observation.identity(fields["device"], fields["metric"], fields["observed_at"])
    fields["zone_ids"], fields["marks"] = tuple(fields["zone_ids"]), tuple(fields["marks"])
    return Observation(id=id_, **fields)
