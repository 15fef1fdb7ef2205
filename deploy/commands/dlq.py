"""`canh dlq`: lists what was refused, shows one with its raw bytes, sends them again after a fix."""

from __future__ import annotations

from collections import Counter

from cyclopts import App

from deploy.bootstrap import make_publisher, now
from deploy.commands.terminal import results, settings_here, show, with_store
from deploy.door import Door
from deploy.noted import noted
from deploy.resend import Resend
from schemas.errors import UsageError
from schemas.store.abstract import Store

app = App(name="dlq", help="See and replay what was refused (the dead letters).")


@app.command(name="list")
def list_letters(
    *, source: str | None = None, reason: str | None = None, limit: int = 50, every: bool = False, json: bool = False
) -> None:
    """List refusals, newest first.

    Parameters
    ----------
    source
        Only of this source.
    reason
        Only with this reason code.
    limit
        At most so many.
    every
        Also those that were sent again.
    json
        Print JSON.
    """
    letters = with_store(
        lambda store: store.dead_letters(source=source, reason=reason, unresolved=not every, limit=limit, raw=False)
    )
    rows = [
        (x.id, x.received_at.isoformat(), x.source, x.reason, x.field, x.message, f"{x.topic}/{x.partition}/{x.offset}")
        for x in letters
    ]
    show("Refused", ("id", "received_at", "source", "reason", "field", "message", "place"), rows, as_json=json)


@app.command(name="show")
def show_letter(letter_id: str, /) -> None:
    """Show one refusal with headers and raw bytes."""
    letter = with_store(lambda store: store.dead_letter(letter_id))
    if letter is None:
        raise UsageError(f"There is no refusal {letter_id!r}; see `canh dlq list --every`.")
    for name in ("id", "source", "reason", "field", "message", "topic", "partition", "offset", "received_at"):
        results.print(f"{name:12} {getattr(letter, name)}", markup=False)
    results.print(f"{'headers':12} {letter.headers}", markup=False)
    results.print(letter.raw.decode("utf-8", "backslashreplace"), markup=False)


@app.command
def replay(*, source: str | None = None, reason: str | None = None, limit: int = 10_000) -> None:
    """Send refusals again to where they came from, oldest first; marked as sent once the broker has them.

    Heartbeats (unsupported) and what was too large (only its beginning is kept) are sent only when their reason is
    named.

    Parameters
    ----------
    source
        Only of this source.
    reason
        Only with this reason code.
    limit
        At most so many.
    """
    settings = settings_here()

    async def go(store: Store) -> Counter[str]:
        publisher = make_publisher(settings)
        await publisher.start()
        try:
            check = Door(lateness_s=settings.lateness_s, future_s=settings.future_s)
            sent = await Resend(store, publisher, check, now).run(source=source, reason=reason, limit=limit)
        finally:
            await publisher.stop()
        await store.audit(noted("dlq.replay", source or "every source", reason=reason or "", count=str(sent.total())))
        return sent

    sent = with_store(go, settings)
    results.print("\n".join(f"{count} sent again to {topic}" for topic, count in sent.items()) or "Nothing to send.")
