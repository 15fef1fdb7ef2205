"""Text at the edge: one form for each letter, nothing that a screen or a database cannot hold."""

from __future__ import annotations

import unicodedata

import pytest

from schemas.errors import PoisonMessageError
from schemas.text import clean, fold, nfc


def test_decomposed_vietnamese_becomes_composed() -> None:
    """The same word typed on two systems is the same text afterwards."""
    assert nfc(unicodedata.normalize("NFD", "Đắk Lắk")) == "Đắk Lắk"
    assert clean(unicodedata.normalize("NFD", "Tuy Hoà\n"), "text") == "Tuy Hoà\n"


def test_fold_finds_without_accents() -> None:
    """What is typed without accents equals the folded text."""
    assert fold("Đường  Trần Hưng Đạo") == "duong tran hung dao"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\0b", "bad_shape"),
        ("a\x1b[2J", "bad_shape"),
        ("a\x85", "bad_shape"),
        ("\ud800", "bad_encoding"),
        ("x" * 8193, "too_large"),
        ("ắ" * 3000, "too_large"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """Control characters, half characters and texts beyond 8 kB are refused with the field's name."""
    with pytest.raises(PoisonMessageError) as caught:
        clean(text, "headline")
    assert (caught.value.reason, caught.value.field) == (reason, "headline")
