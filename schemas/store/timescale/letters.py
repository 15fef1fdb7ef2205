"""Writes the refusals of one commit: raw bytes once for each message, in statements that a time limit lets through.

The order is the same for all writers, so none waits for another that waits for it: new refusals, then their bytes, then
those that came again, each sorted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from schemas.events import DeadLetter
from schemas.store.letters import Told, gathered
from schemas.store.timescale.arrays import array
from schemas.store.timescale.statements import Connection, run
from schemas.store.timescale.work import Work, columns, fields, json_text

#: Raw bytes written by one statement: a disk of 1 MB/s still does it within the time limit.
CHUNK_BYTES = 8 << 20
_LETTER = (
    "id", "source", "reason", "field", "message", "topic", "partition", "offset", "received_at", "item", "attempts",
    "resolved_at",
)  # fmt: skip
_WRITTEN = (*_LETTER, "last_received_at", "digest", "headers")


async def store_letters(work: Work, letters: Sequence[DeadLetter]) -> None:
    """Write refusals; a known one that was received again later is open again."""
    if not letters:
        return
    told = gathered(letters)
    ids = {id_ for (id_,) in await run(work.connection, "insert_dead_letters", columns(_rows(told), _WRITTEN))}
    new = [each.letter for each in told if each.letter.id in ids]
    await _keep_bytes(work.connection, new)
    await _count_again(work.connection, [each for each in told if each.letter.id not in ids])
    work.newest.add_refusals(new)


def digest(raw: bytes) -> bytes:
    """Give what the bytes of a message are known by."""
    return hashlib.sha256(raw).digest()


def chunks(raws: Mapping[bytes, bytes], limit: int) -> Iterator[list[bytes]]:
    """Give the keys in order, in parts whose values have `limit` bytes together at most (or are one value)."""
    part: list[bytes] = []
    size = 0
    for key in sorted(raws):
        if part and size + len(raws[key]) > limit:
            yield part
            part, size = [], 0
        part.append(key)
        size += len(raws[key])
    if part:
        yield part


def _rows(told: Sequence[Told]) -> list[dict[str, object]]:
    return [
        {
            **fields(each.letter, _LETTER),
            "attempts": each.letter.attempts + len(each.times) - 1,
            "last_received_at": each.times[-1],
            "digest": digest(each.letter.raw),
            "headers": json_text(each.letter.headers),
        }
        for each in told
    ]


async def _keep_bytes(connection: Connection, new: Sequence[DeadLetter]) -> None:
    raws = {digest(letter.raw): letter.raw for letter in new}
    for chunk in chunks(raws, CHUNK_BYTES):
        await run(connection, "keep_raw", {"digest": chunk, "raw": [raws[key] for key in chunk]})


async def _count_again(connection: Connection, known: Sequence[Told]) -> None:
    if not known:
        return
    rows = [
        {
            "id": each.letter.id,
            "times": array(tuple(at.isoformat() for at in each.times)),
            "last_received_at": each.times[-1],
        }
        for each in known
    ]
    await run(connection, "dead_letters_again", columns(rows, tuple(rows[0])))
