"""Random conditions and rows for property tests: detections with NULL, Vietnamese text and extreme numbers."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

#: The columns that the conditions read, all of a detection; `track` and `area` hold text, `lon` and `lat` numbers too.
NUMBERS = ("confidence", "count", "lon", "lat", "cadence_s")
TEXTS = ("label", "area", "track", "commune")
BOOLS = ("ended",)
ZONES = ("square:1", "square:2", "commune:24133")

_WORDS = st.sampled_from(
    [
        "",
        "a",
        "A",
        "fire",
        "smoke",
        "đám cháy",
        "ĐÁM CHÁY",
        "a%b",
        "a_b",
        "a\\b",
        "a.b",
        "x'y",
        "Z",
        "z",
        "\n",
        "日本",
        "ß",
        "🔥",
    ]
)
_TEXT = st.one_of(_WORDS, st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5))
_NUMBER = st.one_of(
    st.sampled_from(
        [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 0.1, 0.6, 0.8, 3.0, 1e15, 1e30, 1e-30, 1e300, -1e300, 5e-324]
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-1000, 1000).map(float),
)
_LITERAL = st.one_of(
    st.sampled_from(["0", "1", "2", "0.5", "1.70", "1e3", "100", "0.1", "1e30", "1e-30", "12345.678"]),
    st.integers(0, 10_000).map(str),
    st.decimals(0, 100, places=2, allow_nan=False).map(str),
)


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Give a few rows; every column may be NULL but `zone_ids`."""
    fields: dict[str, st.SearchStrategy[Any]] = {name: st.none() | _NUMBER for name in NUMBERS}
    fields |= {name: st.none() | _TEXT for name in TEXTS}
    fields |= {name: st.none() | st.booleans() for name in BOOLS}
    fields["zone_ids"] = st.lists(st.sampled_from(ZONES), unique=True)
    return st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=6)


def conditions() -> st.SearchStrategy[str]:
    """Give SQL conditions; some multiply too much for the language, the test leaves those out."""
    return st.recursive(_comparisons(), _logic, max_leaves=8)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_TEXT_LITERAL = _WORDS.map(_quoted)


def _numbers() -> st.SearchStrategy[str]:
    leaf = st.sampled_from(NUMBERS) | _LITERAL | _LITERAL.map("-{}".format)
    return st.recursive(leaf, _arithmetic, max_leaves=4)


def _arithmetic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("ABS({})".format, inner),
        st.builds("(- {})".format, inner),
        st.builds("ROUND({})".format, inner),
        st.builds("ROUND({}, {})".format, inner, st.integers(0, 3)),
        st.builds("{}({}, {})".format, st.sampled_from(["COALESCE", "GREATEST", "LEAST"]), inner, inner),
    )


def _texts() -> st.SearchStrategy[str]:
    column = st.sampled_from(TEXTS)
    return st.one_of(
        column,
        _TEXT_LITERAL,
        column.map("LOWER({})".format),
        st.builds("COALESCE({}, {})".format, column, _TEXT_LITERAL),
    )


def _comparisons() -> st.SearchStrategy[str]:
    word = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    negated = st.sampled_from(["", "NOT "])
    like = st.text(st.sampled_from("ab%_.đ\\"), max_size=5).filter(lambda text: not text.endswith("\\")).map(_quoted)
    return st.one_of(
        st.builds("{} {} {}".format, _numbers(), word, _numbers()),
        st.builds("{} {} {}".format, _texts(), word, _texts()),
        st.builds("{} {}BETWEEN {} AND {}".format, _numbers(), negated, _LITERAL, _numbers()),
        st.builds("{} {}IN ({}, {})".format, _numbers(), negated, _LITERAL, _LITERAL),
        st.builds("{} {}IN ({}, {})".format, _texts(), negated, _TEXT_LITERAL, _TEXT_LITERAL),
        st.builds("{} IS {}NULL".format, st.one_of(_numbers(), _texts()), negated),
        st.builds("{} {}LIKE {}".format, _texts(), negated, like),
        st.sampled_from(ZONES).map("in_zone('{}')".format),
        st.sampled_from(TEXTS).map("in_zone({})".format),
        st.just("in_commune('fire')"),
        st.sampled_from(["TRUE", "FALSE", *BOOLS, *(f"{name} IS NULL" for name in BOOLS)]),
    )


def _logic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    )
