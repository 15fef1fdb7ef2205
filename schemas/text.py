"""Text as it is kept (NFC, no control characters) and as it is compared (folded: no accents, lower case)."""

from __future__ import annotations

import unicodedata

from schemas.errors import PoisonMessageError
from schemas.events.dead_letter import Reason
from schemas.limits import MAX_TEXT_BYTES

#: Control characters that a text may hold; all others are refused (PostgreSQL has no place for U+0000).
_ALLOWED_CONTROLS = frozenset("\n\t\r")
#: Letters that carry their stroke inside: no combining mark comes off them.
_STROKES = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "ł": "l", "ø": "o"})


def fold(text: str) -> str:
    """Give text in lower case, without accents, đ as d, white space as single blanks ("Cháy  nhà" -> "chay nha")."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().translate(_STROKES).split())


def nfc(text: str) -> str:
    """Give the composed form (Unicode NFC): one way to write each Vietnamese letter."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def clean(text: str, field: str, *, limit_bytes: int = MAX_TEXT_BYTES) -> str:
    """Give the text in NFC; raises PoisonMessageError when it is too long or holds control or surrogate characters."""
    if len(text) > limit_bytes or (not text.isascii() and _utf8_length(text, field) > limit_bytes):
        raise PoisonMessageError(Reason.TOO_LARGE, f"text is longer than {limit_bytes} bytes", field=field)
    if not text.isprintable():
        _refuse_controls(text, field)
    return nfc(text)


def _utf8_length(text: str, field: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        message = "text holds half a character (a lone surrogate)"
        raise PoisonMessageError(Reason.BAD_ENCODING, message, field=field) from error


def _refuse_controls(text: str, field: str) -> None:
    for char in text:
        if unicodedata.category(char) == "Cc" and char not in _ALLOWED_CONTROLS:
            message = f"text holds the control character U+{ord(char):04X}: only newline and tab may be in a text"
            raise PoisonMessageError(Reason.BAD_SHAPE, message, field=field)
