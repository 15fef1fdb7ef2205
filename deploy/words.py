"""Reads what a command says of itself without importing it, so that `canh --help` loads none of them."""

from __future__ import annotations

import ast
from importlib import resources


def words_of(command: str) -> str:
    """Give the docstring of a verb, or the `help` of its App; `command` is "FILE:NAME" in deploy/commands."""
    module, _, wanted = command.partition(":")
    source = resources.files("deploy.commands").joinpath(f"{module}.py").read_text("utf-8")
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef(name=name) if name == wanted:
                return ast.get_docstring(node) or ""
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(keywords=given)) if name == wanted:
                return "".join(ast.literal_eval(each.value) for each in given if each.arg == "help")
    raise LookupError(f"{module}.py has no command {wanted}")
