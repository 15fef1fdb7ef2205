"""Says whether the readers of a record's version can bear its new JSON Schema: it may only grow optional fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

#: What tells people and changes nothing for readers.
_WORDS = frozenset({"title", "description", "$id", "$schema", "default", "examples"})


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Give what in `new` breaks readers and writers of `old`, nothing when they can bear it.

    Both are self-contained JSON Schemas (parts under `$defs`) of one version of a record. Allowed are new fields that
    are not required, new words of an enumeration (readers must bear words that they do not know), a required field
    that becomes optional, and any change of titles, descriptions and defaults.
    """
    before, after = old.get("$defs", {}), new.get("$defs", {})
    return [
        *_changes("", {k: v for k, v in old.items() if k != "$defs"}, {k: v for k, v in new.items() if k != "$defs"}),
        *(
            line
            for name in sorted(before)
            for line in ([f"{name}: removed"] if name not in after else _changes(name, before[name], after[name]))
        ),
    ]


def _changes(where: str, old: Schema, new: Schema) -> Iterator[str]:
    yield from _fields(where, old, new)
    yield from _words(where, old, new)
    keys = (old.keys() | new.keys()) - _WORDS - {"properties", "required", "enum"}
    for key in sorted(keys):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(_join(where, key), before, after)
        elif _bare(before) != _bare(after):
            yield f"{where or 'record'}: {key} was {before!r}, is {after!r}"


def _fields(where: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in after:
            yield f"{_join(where, name)}: removed"
        else:
            yield from _changes(_join(where, name), before[name], after[name])
    for name in new.get("required", ()):
        if name not in old.get("required", ()):
            yield f"{_join(where, name)}: now required"


def _words(where: str, old: Schema, new: Schema) -> Iterator[str]:
    if ("enum" in old) != ("enum" in new):
        yield f"{where}: enum {'removed' if 'enum' in old else 'added'}"
    elif gone := [word for word in old.get("enum", ()) if word not in new["enum"]]:
        yield f"{where}: no longer allows {', '.join(map(str, gone))}"


def _bare(part: Any) -> Any:  # any JSON value
    """Give a part without what only tells people."""
    if isinstance(part, Mapping):
        return {key: _bare(value) for key, value in part.items() if key not in _WORDS}
    return [_bare(each) for each in part] if isinstance(part, list) else part


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
