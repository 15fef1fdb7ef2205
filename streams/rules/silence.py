"""Finds in a table of events what the machine of silence must see: for most keys one event a batch, the last.

The machine takes one event for each slot (see absence.py). Of a key that was heard of again before each of its
deadlines only where it ends is of interest, and that is the case of nearly all keys, nearly always.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from streams.rules import absence
from streams.rules.frame import Table
from streams.rules.plan import Plan
from streams.rules.state import MICROSECOND, AbsentState, States, time_of

_TIME = pl.Datetime("us", "UTC")


class Heard(NamedTuple):
    """An event that a machine of silence hears: its row in the table that came with it, key, time and time-out.

    `deadline` is the one that it sets. `steady`: none of the key's events that are left out let a deadline pass, nor
    does this one, so the key's state is simply moved on.
    """

    i: int
    key: str
    at: datetime
    timeout: timedelta
    deadline: datetime
    steady: bool


def news(plan: Plan, table: Table, states: States) -> tuple[Table, list[Heard]]:
    """Give what changes states of a rule of silence, in order of event time, and the table of just these rows."""
    found = _news(plan, table, states)
    rows = found.select("key", "at", "timeout", "deadline", "steady").iter_rows()
    heard = [
        Heard(i, key, time_of(at), timeout * MICROSECOND, time_of(deadline), steady)
        for i, (key, at, timeout, deadline, steady) in enumerate(rows)
    ]
    return table.pick(found.get_column("#").to_numpy()), heard


def _news(plan: Plan, table: Table, states: States) -> pl.DataFrame:
    heard = _heard(plan, table)
    known = _known(plan, heard.get_column("key").unique().to_list(), states)
    fresh = heard.join(known, on="key", how="left").filter(
        pl.col("due").is_null() | (pl.col("at") + pl.col("timeout") >= pl.col("due"))
    )
    # Of the events of a key in one slot, the first says all: see deadline_after.
    said = fresh.sort("number", "at", "#").unique(["number", "timeout", "slot"], keep="first", maintain_order=True)
    follows, ends = (pl.col("number") == pl.col("number").shift(by, fill_value=-1) for by in (1, -1))
    checked = said.with_columns(
        deadline=pl.max_horizontal((pl.col("slot") + 1) * pl.col("length") + pl.col("timeout"), "due"), last=~ends
    ).with_columns(
        goes_on=pl.when(follows)
        .then((pl.col("at") < pl.col("deadline").shift(1)) & (pl.col("timeout") == pl.col("timeout").shift(1)))
        .otherwise(pl.col("due").is_null() | (pl.col("at") < pl.col("due")))
        & (pl.col("due").is_null() | (pl.col("at") > pl.col("last_at"))).fill_null(value=False)
    )
    return (
        checked.with_columns(steady=pl.col("goes_on").all().over("number"))
        .filter(pl.col("last") | ~pl.col("steady"))
        .sort("at", "#")
    )


def _known(plan: Plan, keys: Sequence[str], states: States) -> pl.DataFrame:
    """Give each key a number, its deadline, and when it was last heard of unless it counts as absent (null)."""
    deadlines, found = states.deadlines(plan.rule.id), states.of(plan.rule.id)
    last_at = [
        state.last_at if isinstance(state := found.get(key), AbsentState) and state.started_at is None else None
        for key in keys
    ]
    columns = [
        pl.Series("key", keys, dtype=pl.String),
        pl.Series("due", [deadlines.get(key) for key in keys], dtype=pl.Int64),
        pl.Series("last_at", last_at, dtype=_TIME).to_physical(),
    ]
    return pl.DataFrame(columns).with_row_index("number")


def _heard(plan: Plan, table: Table) -> pl.DataFrame:
    """Give number, key, time, time-out, slot and its length of the rows that a rule hears, in microseconds.

    A device was alive at the event's time, or when its event was received where its clock is ahead.
    """
    alive = (
        pl.when(table.future()).then(pl.min_horizontal("observed_at", "received_at")).otherwise(pl.col("observed_at"))
    )
    times = pl.DataFrame([table.series("observed_at"), table.series("received_at")]).select(at=alive.to_physical())
    cadences = table.series("cadence_s")
    known = cadences.unique().to_list()
    timeouts = [plan.timeout(cadence) for cadence in known]
    frame = times.with_columns(
        key=table.series(plan.key).cast(pl.String),
        timeout=_mapped(cadences, known, timeouts),
        length=_mapped(cadences, known, [timeout and absence.slot_of(timeout) for timeout in timeouts]),
        hit=table.frame(plan.reads).select(hit=plan.hits).get_column("hit"),
    )
    asked = pl.col("hit") & pl.col("timeout").is_not_null()
    return frame.with_row_index("#").filter(asked).with_columns(slot=pl.col("at") // pl.col("length"))


def _mapped(column: pl.Series, known: Sequence[float | None], spans: Sequence[timedelta | None]) -> pl.Series:
    """Give microseconds for the values of a column."""
    numbers = [None if span is None else span // MICROSECOND for span in spans]
    return column.replace_strict(known, numbers, return_dtype=pl.Int64)
