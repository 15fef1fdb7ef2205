"""`canh audit`: shows who did what, and proves that no line was changed, moved or taken out."""

from __future__ import annotations

from cyclopts import App

from deploy.commands.terminal import remarks, results, show, with_store

app = App(name="audit", help="The log of who did what; each line holds the hash of the one before.")


@app.command(name="list")
def list_lines(*, limit: int = 50, before: int | None = None, json: bool = False) -> None:
    """List lines, newest first.

    Parameters
    ----------
    limit
        At most so many.
    before
        Only lines with a smaller number.
    json
        Print JSON.
    """
    rows = [
        (
            seq,
            line.at.isoformat(),
            line.actor,
            line.action,
            line.subject,
            line.outcome,
            " ".join(f"{name}={value}" for name, value in line.detail.items()),
        )
        for seq, line in with_store(lambda store: store.audit_log(limit, before))
    ]
    show("Audit", ("seq", "at", "actor", "action", "subject", "outcome", "detail"), rows, as_json=json)


@app.command
def verify() -> int:
    """Check the chain of hashes; exit code 1 with the first line that does not fit."""
    broken = with_store(lambda store: store.audit_broken_at())
    if broken is None:
        results.print("Every line fits the one before it.")
        return 0
    remarks.print(f"Line {broken} does not fit: it, or a line before it, was changed, moved or taken out.", style="red")
    return 1
