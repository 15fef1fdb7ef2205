from __future__ import annotations

import pytest

from schemas.text import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Cháy nhà", "chay nha"),
        ("ĐƯỜNG Đắk Lắk", "duong dak lak"),
        ("Tuy Hoà Tuy Hòa", "tuy hoa tuy hoa"),
        ("Thuộ\u0302t", "thuot"),
        ("  hai \t dòng\n", "hai dong"),
        ("Straße", "strasse"),
        ("", ""),
    ],
)
def test_accents_case_and_spaces_do_not_count(text: str, folded: str) -> None:
    """Composed and decomposed letters, both places of the tone mark and đ fold to plain letters."""
    assert fold(text) == folded
    assert fold(folded) == folded
