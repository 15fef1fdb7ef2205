"""What every bench measures with: figures of several runs, CPU time and peak memory of processes, the machine."""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil

#: Packages whose versions decide the numbers.
PACKAGES = ("faust-streaming", "aiokafka", "polars", "psycopg", "shapely", "msgspec")


#: The figure that a bench with a limit has.
RATIO = "ratio to the limit"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: its value in each run."""

    name: str
    unit: str
    values: Sequence[float]

    @property
    def median(self) -> float:
        """The middle of all runs."""
        return statistics.median(self.values)

    def text(self) -> tuple[str, str, str]:
        """Give median, least and greatest as text."""
        return _number(self.median), _number(min(self.values)), _number(max(self.values))


@dataclass(frozen=True, slots=True)
class Result:
    """All figures of one bench, and what a reader must know of how they were made."""

    bench: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()

    @property
    def ratio(self) -> float | None:
        """The median ratio to the limit, None where there is no limit."""
        return next((figure.median for figure in self.figures if figure.name == RATIO), None)


@dataclass(slots=True)
class Usage:
    """CPU seconds and peak memory of some running processes and their children, from now until `stop`."""

    pids: Mapping[str, int]
    cpu_s: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cpu_s = {name: -_cpu_s(pid) for name, pid in self.pids.items()}

    def stop(self) -> None:
        """Take the second reading; the processes must still run."""
        for name, pid in self.pids.items():
            self.cpu_s[name] += _cpu_s(pid)
            self.peak_mb[name] = _peak_mb(pid)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the nearest-rank percentile: the least value that `share` of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -int(-share * len(ranked) // 1) - 1)]


def machine() -> str:
    """Tell the machine, and how busy it is with other things right now."""
    memory_gb = psutil.virtual_memory().total / (1 << 30)
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({_processor()}), {memory_gb:.0f} GB, Linux {platform.release()}, load {load:.1f}"


def versions() -> str:
    """Tell the versions of what decides the numbers."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)])


def _cpu_s(pid: int) -> float:
    """Sum user and system time of a process, its ended children, and its living ones."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    ended = own.children_user + own.children_system
    return float(own.user + own.system + ended + sum(_own_cpu_s(child) for child in process.children(recursive=True)))


def _own_cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # ended a moment ago: its parent counts it from now on
        return 0.0
    return float(times.user + times.system)


def _peak_mb(pid: int) -> float:
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
