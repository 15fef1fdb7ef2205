from __future__ import annotations

from tests.bench.scaling import Cost, cost, table


def figures(**medians: float) -> dict[str, list[dict[str, object]]]:
    """Give a bench's part of the JSON."""
    return {"figures": [{"name": name.replace("_", " "), "median": median} for name, median in medians.items()]}


def test_the_cost_of_an_event_is_read_from_the_benches() -> None:
    """CPU seconds per million become seconds per event; bytes of both topics and of table and indexes are summed."""
    storage = {
        "figures": [
            {"name": "Kafka, raw, single readings", "median": 200.0},
            {"name": "Kafka, canonical batches", "median": 30.0},
            {"name": "database, table", "median": 150.0},
            {"name": "database, indexes", "median": 50.0},
        ]
    }
    told = {"benches": {"pipeline": figures(CPU_worker=30.0, CPU_broker=10.0, CPU_database=12.0), "storage": storage}}
    assert cost(told) == Cost(30e-6, 10e-6, 12e-6, 230.0, 200.0)


def test_needs_rise_with_the_rate() -> None:
    """A worker is planned for six tenths of a core; the least number of partitions is that of the bulk lane."""
    first, *_, last = table(Cost(30e-6, 10e-6, 12e-6, 230.0, 200.0)).splitlines()[2:]
    assert first.startswith("| 10,000 | 1 | 4 | 0.2 | 0.5 | 2.3 | 596 | 173 | 17 |")
    assert last.startswith("| 1,000,000 | 50 | 100 | 20.0 | 50.0 | 230.0 |")
