"""Reads rule files (YAML text) into rules, with the line of every mistake; and gives the rules of the library."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec
import yaml

from schemas.errors import RuleError
from streams.rules.rule import Rule, check

#: A rule file is for people to read; more than this is not one.
MAX_BYTES = 64 * 1024
_PATH_PART = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")


class _Loader(yaml.SafeLoader):
    """YAML as people mean it: `on` and `no` are words, days are words, and a key stands once."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":bool", ":timestamp"))]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 (PyYAML's own signature)
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), ["t", "f"])


def load_rule(text: str, name: str = "rule.yaml") -> Rule:
    """Give the rule of a YAML text; raises RuleError that starts with `name:line:`."""
    root, content = _parse(text, name)
    try:
        rule = msgspec.convert(content, Rule)
    except msgspec.ValidationError as error:
        raise RuleError(f"{name}:{_line(root, str(error))}: {error}{_suggest(str(error))}") from error
    try:
        check(rule)
    except RuleError as error:
        raise RuleError(f"{name}:1: {error}") from error
    return rule


def library() -> tuple[Rule, ...]:
    """Give every rule of streams/rules/library, by id."""
    found = [load_rule(file.read_text("utf-8"), file.name) for file in _rule_files()]
    return tuple(sorted(found, key=lambda rule: rule.id))


def _rule_files() -> Iterator[Traversable]:
    for domain in files("streams.rules").joinpath("library").iterdir():
        if domain.is_dir():
            yield from (file for file in domain.iterdir() if file.name.endswith(".yaml"))


def _parse(text: str, name: str) -> tuple[yaml.Node, Any]:
    if len(text.encode()) > MAX_BYTES:
        raise RuleError(f"{name}:1: a rule file is at most {MAX_BYTES} bytes")
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
                raise RuleError(f"{name}:{token.start_mark.line + 1}: anchors and aliases are not allowed")
        root = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise RuleError(f"{name}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', error)}") from error
    except RecursionError as error:
        raise RuleError(f"{name}:1: the file nests too deep") from error
    if not isinstance(root, yaml.MappingNode):
        raise RuleError(f"{name}:1: a rule file is a mapping of fields")
    return root, content


def _line(root: yaml.Node, message: str) -> int:
    """Find the line that msgspec's message means: "... - at `$.levels[0].severity`"."""
    node = root
    path = message.rpartition(" - at `$")[2]
    unknown = _UNKNOWN.search(message)
    for field, index in [*_PATH_PART.findall(path), *([(unknown[1], "")] if unknown else [])]:
        node = _step(node, field, index)
    return int(node.start_mark.line) + 1


def _step(node: yaml.Node, field: str, index: str) -> yaml.Node:
    if isinstance(node, yaml.SequenceNode) and index.isdigit() and int(index) < len(node.value):
        item: yaml.Node = node.value[int(index)]
        return item
    if isinstance(node, yaml.MappingNode) and field:
        return next((value for key, value in node.value if key.value == field), node)
    return node


def _suggest(message: str) -> str:
    unknown = _UNKNOWN.search(message)
    if not unknown:
        return ""
    close = difflib.get_close_matches(unknown[1], [field.encode_name for field in msgspec.structs.fields(Rule)], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
