"""`canh dlq`: lists what was refused, shows one with its raw bytes, sends them again after a fix."""

from __future__ import annotations

from collections import Counter

from cyclopts import App

from deploy.bootstrap import make_publisher, now
from deploy.commands.terminal import results, settings_here, show, with_store
from deploy.noted import noted
from schemas.bus.abstract import Message
from schemas.errors import UsageError
from schemas.events import DeadLetter
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
        lambda store: store.dead_letters(source=source, reason=reason, unresolved=not every, limit=limit)
    )
    rows = [
        (x.id, x.received_at.isoformat(), x.source, x.reason, x.field, x.message, f"{x.topic}/{x.partition}/{x.offset}")
        for x in letters
    ]
    show("Refused", ("id", "received_at", "source", "reason", "field", "message", "place"), rows, as_json=json)


@app.command(name="show")
def show_letter(letter_id: str, /) -> None:
    """Show one refusal with headers and raw bytes."""
    letter = next(
        (
            each
            for each in with_store(lambda store: store.dead_letters(unresolved=False, limit=100_000))
            if each.id.startswith(letter_id)
        ),
        None,
    )
    if letter is None:
        raise UsageError(f"There is no refusal {letter_id!r}; see `canh dlq list --every`.")
    for name in ("id", "source", "reason", "field", "message", "topic", "partition", "offset", "received_at"):
        results.print(f"{name:12} {getattr(letter, name)}", markup=False)
    results.print(f"{'headers':12} {letter.headers}", markup=False)
    results.print(letter.raw.decode("utf-8", "backslashreplace"), markup=False)


@app.command
def replay(*, source: str | None = None, reason: str | None = None, limit: int = 10_000) -> None:
    """Send refusals again to the topic that they came from; they are marked as sent once the broker has them.

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
        at = now()  # before sending: what is refused again after this stays open
        letters = await store.dead_letters(source=source, reason=reason, unresolved=True, limit=limit)
        publisher = make_publisher(settings)
        await publisher.start()
        try:
            whole = {(letter.topic, letter.raw): letter for letter in letters}  # a packed message goes once
            await publisher.send([again(letter) for letter in whole.values()])
        finally:
            await publisher.stop()
        await store.resolve_dead_letters([letter.id for letter in letters], at)
        await store.audit(noted("dlq.replay", source or "every source", reason=reason or "", count=str(len(letters))))
        return Counter(letter.topic for letter in letters)

    sent = with_store(go, settings)
    results.print("\n".join(f"{count} sent again to {topic}" for topic, count in sent.items()) or "Nothing to send.")


def again(letter: DeadLetter) -> Message:
    """Give the record as it was, keyed by its source so that a source's order is kept."""
    headers = [(name, value.encode()) for name, value in letter.headers.items()]
    return Message(letter.topic, letter.raw, key=letter.source.encode() or None, headers=headers)
