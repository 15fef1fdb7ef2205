from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: What Canh reads at run time beside its code, by the folders that hold it.
READ = ("api/console/dist", "schemas/sql", "streams/rules/library", "streams/sources/simulator", "deploy/communes")
KINDS = {".html", ".js", ".css", ".woff2", ".sql", ".yaml", ".csv", ".geojson"}
#: Told by pip where nothing can be fetched.
NO_BACKEND = re.compile(r"no matching distribution found for hatchling", re.IGNORECASE)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and NO_BACKEND.search(done.stderr):
        pytest.skip("the build backend hatchling cannot be fetched")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `pip install` of this folder does."""
    place = tmp_path_factory.mktemp("wheel")
    pip("wheel", str(ROOT), "--wheel-dir", str(place))
    (built,) = place.glob("canh-*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a folder of its own."""
    place = tmp_path_factory.mktemp("site")
    pip("install", str(wheel), "--target", str(place))
    return place


def run(site: Path, *command: str) -> str:
    """Run a command that sees the installed wheel and nothing of this folder."""
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(command, cwd=site, env=env, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def data_files() -> Iterator[str]:
    for folder in READ:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".py", ".pyc", ".md"}:
                yield path.relative_to(ROOT).as_posix()


def test_the_wheel_holds_all_that_is_read_at_run_time(wheel: Path) -> None:
    """Page, SQL, rules, tables of the demo; and no source of the page, no test."""
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = set(data_files())
    assert {Path(name).suffix for name in wanted} >= {
        ".html",
        ".js",
        ".css",
        ".woff2",
        ".sql",
        ".yaml",
        ".csv",
        ".geojson",
    }
    assert wanted - held == set()
    assert [name for name in held if name.startswith(("tests/", "api/console/src", "api/console/node_modules"))] == []


def test_the_installed_wheel_runs(site: Path) -> None:
    """Its command answers, and its code finds its files there."""
    assert re.search(r"\d+\.\d+", run(site, str(site / "bin" / "canh"), "--version"))
    assert "doctor" in run(site, str(site / "bin" / "canh"), "doctor", "--help")
    script = (
        "import deploy; from schemas.sql import migrations, read; from streams.rules.load import library; "
        "from streams.sources.simulator.scenarios import SCENARIOS; "
        "print(deploy.__file__, len(migrations()), len(read('schema.sql')) > 0, len(library()) > 0, len(SCENARIOS) > 0)"
    )
    where, *found = run(site, sys.executable, "-c", script).split()
    assert Path(where).is_relative_to(site)
    assert found == [str(len(list((ROOT / "schemas/sql/migrations").glob("*.sql")))), "True", "True", "True"]
