from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from streams.rules.load import library
from streams.sources.native import Native
from tests.bench.incidents import commented, many
from tests.bench.measure import Figure, Result, percentile
from tests.bench.profiler import hottest, shares, table, unread
from tests.bench.report import as_json, as_table
from tests.bench.trace import Carried, Trace, seconds_of
from tests.bench.worker import many_rules
from tests.bench.workload import SOURCE, arrays, readings, singles


def carried(hop: str, began: float, next_offset: int) -> str:
    """Give a line of a trace."""
    return json.dumps(asdict(Carried(hop, "t", 3, began, began + 1, next_offset, 0.5, 0.25))) + "\n"


def test_a_trace_is_followed_while_it_grows(tmp_path: Path) -> None:
    """A line that is only half written is read when it is whole."""
    file = tmp_path / "trace"
    trace = Trace(file)
    assert trace.begun() is None
    whole, half = carried("store", 5.0, 0), carried("store", 5.0, 30)
    file.write_text(whole + half[:20])
    assert (trace.begun(), trace.reached("store", "t")) == (5.0, {3: 0})
    file.write_text(whole + half + carried("evaluate", 6.0, 40) + carried("evaluate", 6.5, 20))
    assert (trace.reached("store", "t"), trace.reached("evaluate", "t")) == ({3: 30}, {3: 40})
    assert trace.last("t") == 7.5
    assert seconds_of([trace]) == {
        "store: work": 1.0,
        "store: commit": 0.5,
        "evaluate: work": 1.0,
        "evaluate: commit": 0.5,
    }


def test_samples_are_told_by_hop_and_innermost_part() -> None:
    """The outermost of our files names the hop, the innermost known one the part of the work."""
    raw = (
        "thread (7): MainThread;run (deploy/a.py:1);work (streams/normalize.py:40);read (streams/sources/a.py:9) 30\n"
        "thread (7): MainThread;work (streams/normalize.py:41);locate (geo/zones.py:7);query (shapely/tree.py:1) 10\n"
        "thread (7): MainThread;work (streams/normalize.py:44);update (collections/__init__.py:690) 4\n"
        "thread (9): Thread-1;run (threading.py:9);_run (asyncio/events.py:80);_read (aiokafka/conn.py:529) 8\n"
        "thread (9) 2\n"
    )
    assert shares(raw) == {
        ("normalize", "decode"): 30,
        ("normalize", "geo"): 10,
        ("normalize", "hop"): 4,
        ("-", "fetch"): 8,
        ("-", "other"): 2,
    }
    assert hottest(raw)["thread (9)"] == 2


def test_a_commit_is_nobodys() -> None:
    """It runs in a task of its own, whose stack names no hop; of a stack that is cut nothing is known."""
    commit = "thread (7): MainThread;Stream.commit (schemas/store/timescale/stream.py:42)"
    raw = (
        f"{commit};write (schemas/store/timescale/commit.py:36);binary (schemas/store/timescale/copy_binary.py:53) 5\n"
        f"{commit};AsyncCursor.execute (psycopg/cursor_async.py:113) 3\n"
        "thread (7): MainThread;AsyncCursor.execute (psycopg/cursor_async.py:113) 1\n"
        "thread (7): MainThread;Stream.offsets (schemas/store/timescale/stream.py:61) 1\n"
    )
    assert shares(raw) == {
        ("commit", "write"): 5,
        ("commit", "psycopg"): 3,
        ("-", "psycopg"): 1,
        ("-", "write"): 1,
    }


def test_what_the_watcher_costs_is_told_apart() -> None:
    """The bench's notes are no work of a hop; between two frames of ours its wrappers cost nothing that counts."""
    carry = "thread (7): MainThread;watch.<locals>.watched_carry (tests/bench/worker.py:50)"
    timed = f"{carry};Carrier._do (streams/hop.py:204);_timed.<locals>.timed (tests/bench/worker.py:71)"
    raw = (
        f"{carry};watch.<locals>.note (tests/bench/worker.py:38);dumps (json/__init__.py:231) 3\n"
        f"{timed};EvaluateHop.work (streams/evaluate.py:9);ask (streams/rules/engine.py:5) 20\n"
        f"{timed} 4\n"
    )
    assert shares(raw) == {("-", "bench"): 3, ("evaluate", "rules"): 20, ("-", "free"): 4}


def test_a_profile_is_told_in_microseconds_of_an_event() -> None:
    """500 samples are a second: a hundred of them are 2 us for each of 100,000 events; what was not read is told."""
    told = table("thread (7): MainThread;work (streams/normalize.py:41);locate (geo/zones.py:7) 100\n", 100_000, 18)
    assert "| normalize | geo | 2.00 | 100.0% |" in told
    assert "| all |  | 2.00 | 100.0% |" in told
    assert "- 2.00 µs locate (geo/zones.py:7)" in told
    assert "100 samples, 500 a second; 18 more could not be read" in told
    assert "| all |  | 0.00 | 0.0% |" in table("", 100_000)


def test_py_spy_says_what_it_could_not_read() -> None:
    """Where it says nothing of that, it has not sampled."""
    assert unread("py-spy> Wrote raw flamegraph data to 'profile.txt'. Samples: 356 Errors: 18\n") == 18
    assert unread("Error: Operation not permitted\n") == 0


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 2), (0.99, 4), (0.25, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, wanted: float) -> None:
    """Nearest rank, nothing in between."""
    assert percentile([4, 1, 3, 2], share) == wanted


def test_arrays_carry_the_same_readings_as_single_records() -> None:
    """Both ways of the workload say the same, each record of one device, and none twice."""
    work = list(readings(6_000, 10))
    packed = list(arrays(work, 100))
    assert sum(len(held) for _, held in packed) == len({(r.device.id, r.metric, r.at) for _, h in packed for r in h})
    raw, held = packed[0]
    drafts = list(Native().read(raw.value, SOURCE, {}))
    assert len(drafts) == len(held) == 100
    assert {raw.key} == {reading.device.id.encode() for reading in held}
    assert [raw.value for raw in singles(held)] == [reading.json() for reading in held]


def test_incidents_are_the_same_in_every_run() -> None:
    """Their seed is fixed; a comment is the next version."""
    first, again = (next(iter(many(10))).incident for _ in range(2))
    assert (first.kind, first.severity, first.title) == (again.kind, again.severity, again.title)
    write = commented(first, "x")
    assert (write.expected_version, write.incident.version, write.changes[0].version) == (1, 2, 2)


def test_results_are_shown_as_a_table_and_as_json() -> None:
    """Median, least and greatest of all runs, and the ratio that is watched."""
    result = Result("pipeline", [Figure("ratio to the limit", "", [0.5, 0.1, 0.3])], ["a note"])
    assert result.ratio == 0.3
    assert "| pipeline | ratio to the limit |  | 0.3 | 0.1 | 0.5 | 3 |" in as_table([result])
    assert json.loads(as_json([result]))["benches"]["pipeline"]["figures"][0]["median"] == 0.3


def test_many_rules_are_the_library_and_made_ones() -> None:
    """The second figure of the pipeline is with the library's rules on, not instead of them."""
    rules = many_rules(30)
    assert len(rules) == len({rule.id for rule in rules}) == 30
    assert {rule.id for rule in library()} < {rule.id for rule in rules}
