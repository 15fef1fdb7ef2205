"""How large a record may be on the bus: checked by every publisher before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.bus.abstract import Message
from schemas.errors import PoisonMessageError
from schemas.events.dead_letter import Reason

#: Kafka's own default for `message.max.bytes` is 1 MiB + 12; the rest is room for framing.
MAX_MESSAGE_BYTES = 1_000_000


def refuse_too_large(messages: Sequence[Message], limit: int) -> None:
    """Raise PoisonMessageError (too_large) for the first record beyond `limit` bytes of key, value and headers."""
    for index, message in enumerate(messages):
        headers = sum(len(name) + len(value) for name, value in message.headers)
        size = len(message.value) + len(message.key or b"") + headers
        if size > limit:
            raise PoisonMessageError(
                Reason.TOO_LARGE, f"record {index} for {message.topic} has {size} bytes, the limit is {limit}"
            )
