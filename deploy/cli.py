"""The command line `canh`: one verb per file in deploy/commands; a user's mistake is one clear sentence."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cyclopts import App, CycloptsError
from rich.console import Console

from deploy.fault import tell_fault
from deploy.words import words_of
from schemas.errors import CanhError, SettingsError, UsageError
from streams.poison import EXIT_REFUSED, TooMuchPoisonError

#: What a command's end says to a script.
EXIT_CODES = {
    0: "done",
    1: "something failed, or `canh doctor` or `canh audit verify` found something",
    2: "the command cannot be carried out as given",
    3: "the worker stopped because too much was refused",
    70: "the fault is Canh's own: an error that nobody expected, or a worker that hung",
    130: "interrupted",
}


def version_here() -> str:
    """Give the version of the installed package, or of the source tree that was never installed."""
    try:
        return version("canh")
    except PackageNotFoundError:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
        return str(project["version"])


app = App(
    name="canh",
    help="Canh keeps watch: the event-driven backend of a smart operations center.",
    help_epilogue="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    version=version_here,
    result_action="return_value",
)
# Named, not imported: a worker does not load the API, nor `canh tap` the store.
for verb in (
    "up:up", "demo:demo", "worker:worker", "api:api", "migrate:migrate", "topics:topics", "doctor:doctor",
    "source:app", "zones:app", "replay:app", "tap:tap", "dlq:app", "user:app", "audit:app",
    "bench:bench",
):  # fmt: skip
    app.command(f"deploy.commands.{verb}", name=verb.partition(":")[0], help=words_of(verb))


def main(tokens: Sequence[str] | None = None) -> None:
    """Run one command; never shows a traceback for a user's mistake or for a server that is away."""
    errors = Console(stderr=True, highlight=False)
    try:
        code = app(tokens, exit_on_error=False, print_error=False, error_console=errors)
    except (UsageError, SettingsError, CycloptsError) as error:
        errors.print(str(error), style="red", markup=False)
        sys.exit(2)
    except TooMuchPoisonError as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)  # one line: `canh up` tells it from the log
        sys.exit(EXIT_REFUSED)
    except CanhError as error:
        errors.print(str(error), style="red", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `canh tap | head`
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 -- the outermost loop: what nobody expected
        errors.print(tell_fault(error), style="red", markup=False)
        sys.exit(70)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
