"""The built page that is committed is the one that its source gives; asked of digests, so no Node is needed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

CONSOLE = Path(__file__).resolve().parents[3] / "api" / "console"
#: As in api/console/vite.config.ts, which writes the digests with every build.
SOURCE = ("data", "index.html", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts")
DIGEST = "dist/digest.txt"
ADVICE = "run `npm ci && npm run build` in api/console and commit dist/"


def files(path: Path) -> list[Path]:
    """Give a file, or all files of a folder."""
    return [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]


def digest(paths: list[Path]) -> str:
    """Give the digest of names and contents."""
    named = sorted((path.relative_to(CONSOLE).as_posix(), path) for path in paths)
    lines = "".join(f"{sha256(path.read_bytes()).hexdigest()} {name}\n" for name, path in named)
    return sha256(lines.encode()).hexdigest()


def told() -> dict[str, str]:
    """Give the digests that the build wrote."""
    return dict(line.split(" ") for line in (CONSOLE / DIGEST).read_text().splitlines())


def test_the_built_page_is_that_of_the_source() -> None:
    """A change of the page's source without a build would ship the old page."""
    assert told()["source"] == digest([file for name in SOURCE for file in files(CONSOLE / name)]), ADVICE


def test_the_built_page_is_as_it_was_built() -> None:
    """Nobody edits what was built, and a merge takes all of its files or none."""
    assert told()["built"] == digest([file for file in files(CONSOLE / "dist") if file != CONSOLE / DIGEST]), ADVICE
