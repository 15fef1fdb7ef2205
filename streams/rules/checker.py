"""Turns sqlglot's tree of a condition into ours, and refuses everything that is not on the list."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from schemas.errors import RuleError
from streams.rules.columns import Type
from streams.rules.expression import HUGE, MAX_FACTORS, TINY, Expr, factors

Node = exp.Expr
MAX_BYTES = 2048
MAX_NODES = 200
MAX_DEPTH = 20
MAX_LIST = 500
#: Deeper nesting of brackets than this is refused before parsing: the parser itself is recursive.
MAX_BRACKETS = 40

FUNCTIONS = ("abs", "coalesce", "greatest", "in_commune", "in_zone", "least", "lower", "round")
COMPARISONS: Mapping[type[Node], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
ARITHMETIC: Mapping[type[Node], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}


class Checker:
    """Reads one condition. `columns` is what it may name; every refusal is a RuleError with line and column."""

    def __init__(self, text: str, columns: Mapping[str, Type]) -> None:
        self.text = text
        self.columns = columns

    def tree(self) -> Expr:
        """Give the checked tree."""
        root = self._expr(self._parse(), 1)
        if root.type is not Type.BOOL:
            raise RuleError(f"1:1: the condition gives a {root.type}, not TRUE or FALSE; compare it with something")
        if (count := sum(1 for _ in root.walk())) > MAX_NODES:
            raise RuleError(f"1:1: the condition has {count} parts, more than {MAX_NODES}; split the rule")
        return root

    def _parse(self) -> Node:
        if len(self.text.encode()) > MAX_BYTES:
            raise RuleError(f"1:1: the condition is longer than {MAX_BYTES} bytes; split the rule")
        if "\x00" in self.text or not self.text.strip():
            raise RuleError("1:1: the condition is empty or holds a NUL character")
        if self._brackets() > MAX_BRACKETS:
            raise RuleError(f"1:1: brackets nest deeper than {MAX_BRACKETS}; simplify the condition")
        try:
            statements = sqlglot.parse(self.text, read="postgres")
        except SqlglotError as error:
            raise RuleError(_parse_message(error)) from error
        except RecursionError as error:
            raise RuleError("1:1: the condition nests too deep; simplify it") from error
        if len(statements) != 1 or statements[0] is None:
            raise RuleError("1:1: one boolean expression is expected, without semicolons")
        return statements[0]

    def _brackets(self) -> int:
        depth = deepest = 0
        for char in self.text:
            depth += (char == "(") - (char == ")")
            deepest = max(deepest, depth)
        return deepest

    def _expr(self, node: Node, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise self._refuse(node, f"the condition nests deeper than {MAX_DEPTH}; simplify it")
        if isinstance(node, exp.Paren):
            return self._expr(node.this, depth)
        for kinds, build in self._builders():
            if isinstance(node, kinds):
                return build(node, depth)
        raise self._refuse(node, f"{_words(node)} is not part of the condition language")

    def _builders(self) -> tuple[tuple[tuple[type[Node], ...], Callable[[Node, int], Expr]], ...]:
        return (
            ((exp.And, exp.Or), self._logic),
            ((exp.Not,), self._not),
            (tuple(COMPARISONS), self._comparison),
            ((exp.Column,), self._column),
            ((exp.Literal, exp.Boolean), self._literal),
            ((exp.Neg,), self._negative),
            (tuple(ARITHMETIC), self._arithmetic),
            ((exp.In,), self._in),
            ((exp.Between,), self._between),
            ((exp.Is,), self._is_null),
            ((exp.Like,), self._like),
            ((exp.Func,), self._function),
        )

    def _logic(self, node: Node, depth: int) -> Expr:
        word = "and" if isinstance(node, exp.And) else "or"
        parts = [self._typed(part, Type.BOOL, depth + 1) for part in node.flatten()]
        return Expr(word, Type.BOOL, tuple(parts))

    def _not(self, node: Node, depth: int) -> Expr:
        return Expr("not", Type.BOOL, (self._typed(node.this, Type.BOOL, depth + 1),))

    def _comparison(self, node: Node, depth: int) -> Expr:
        left, right = self._expr(node.this, depth + 1), self._expr(node.expression, depth + 1)
        if left.type is not right.type or left.type is Type.BOOL:
            raise self._refuse(node, f"cannot compare a {left.type} with a {right.type}")
        return Expr(COMPARISONS[type(node)], Type.BOOL, (left, right))

    def _column(self, node: Node, _: int) -> Expr:
        name = node.name if node.this.args.get("quoted") else node.name.lower()
        if node.args.get("table"):
            raise self._refuse(node, f"write {name!r} without a table in front")
        if name not in self.columns:
            raise self._refuse(node, f"no column {name!r}{_nearest(name, self.columns)}")
        return Expr("column", self.columns[name], value=name)

    def _literal(self, node: Node, _: int) -> Expr:
        if isinstance(node, exp.Boolean):
            return Expr("literal", Type.BOOL, value=bool(node.this))
        if node.is_string:
            return Expr("literal", Type.TEXT, value=str(node.this))
        return Expr("literal", Type.NUMBER, value=self._number(node))

    def _number(self, node: Node) -> float:
        try:
            number = float(node.this)
        except ValueError as error:
            raise self._refuse(node, f"{node.this!r} is not a number") from error
        if number and not TINY <= abs(number) <= HUGE:
            raise self._refuse(node, f"the number {node.this} is out of range")
        return number

    def _negative(self, node: Node, depth: int) -> Expr:
        inner = self._typed(node.this, Type.NUMBER, depth + 1)
        if inner.op == "literal" and isinstance(inner.value, float):
            return Expr("literal", Type.NUMBER, value=-inner.value or 0.0)
        return Expr("neg", Type.NUMBER, (inner,))

    def _arithmetic(self, node: Node, depth: int) -> Expr:
        sides = [self._typed(side, Type.NUMBER, depth + 1) for side in (node.this, node.expression)]
        return self._bounded(node, Expr(ARITHMETIC[type(node)], Type.NUMBER, tuple(sides)))

    def _bounded(self, node: Node, expr: Expr) -> Expr:
        if factors(expr) > MAX_FACTORS:
            raise self._refuse(node, f"more than {MAX_FACTORS} numbers are multiplied into one")
        return expr

    def _in(self, node: Node, depth: int) -> Expr:
        if node.args.get("query") or node.args.get("unnest") or node.args.get("field"):
            raise self._refuse(node, "IN takes a list of constants, not a query")
        left = self._expr(node.this, depth + 1)
        if len(node.expressions) > MAX_LIST:
            raise self._refuse(node, f"a list of {len(node.expressions)} is longer than {MAX_LIST}")
        items = [self._typed(item, left.type, depth + 1) for item in node.expressions]
        if left.type is Type.BOOL or any(item.op != "literal" for item in items):
            raise self._refuse(node, "IN takes a list of numbers or of texts")
        values = tuple(item.value for item in items if isinstance(item.value, str | float))
        return Expr("in", Type.BOOL, (left,), values)

    def _between(self, node: Node, depth: int) -> Expr:
        if node.args.get("symmetric"):
            raise self._refuse(node, "BETWEEN SYMMETRIC is not part of the condition language")
        low = self._comparison(exp.GTE(this=node.this, expression=node.args["low"]), depth + 1)
        high = self._comparison(exp.LTE(this=node.this, expression=node.args["high"]), depth + 1)
        return Expr("and", Type.BOOL, (low, high))

    def _is_null(self, node: Node, depth: int) -> Expr:
        if not isinstance(node.expression, exp.Null):
            raise self._refuse(node, "IS takes NULL or NOT NULL only")
        asked = Expr("is_null", Type.BOOL, (self._expr(node.this, depth + 1),))
        return Expr("not", Type.BOOL, (asked,)) if node.args.get("negate") else asked

    def _like(self, node: Node, depth: int) -> Expr:
        if node.args.get("negate"):
            inner = node.copy()
            inner.set("negate", value=False)
            return Expr("not", Type.BOOL, (self._like(inner, depth + 1),))
        left, pattern = (self._typed(side, Type.TEXT, depth + 1) for side in (node.this, node.expression))
        if pattern.op != "literal":
            raise self._refuse(node, "LIKE takes a constant pattern")
        tail = len(str(pattern.value)) - len(str(pattern.value).rstrip("\\"))
        if tail % 2:
            raise self._refuse(node, "the pattern of LIKE ends with a single backslash")
        return Expr("like", Type.BOOL, (left,), str(pattern.value))

    def _function(self, node: Node, depth: int) -> Expr:
        name = node.sql_name().lower() if isinstance(node, exp.Func) else ""
        name = str(node.this).lower() if isinstance(node, exp.Anonymous) else name
        if name not in FUNCTIONS:
            raise self._refuse(node, f"no function {name!r}{_nearest(name, FUNCTIONS)}")
        calls = {
            "abs": self._call_abs,
            "lower": self._call_lower,
            "round": self._call_round,
            "in_zone": self._call_in_zone,
            "in_commune": self._call_in_commune,
        }
        return calls.get(name, self._call_many)(name, node, depth)

    def _call_abs(self, name: str, node: Node, depth: int) -> Expr:
        return Expr(name, Type.NUMBER, (self._typed(node.this, Type.NUMBER, depth + 1),))

    def _call_lower(self, name: str, node: Node, depth: int) -> Expr:
        return Expr(name, Type.TEXT, (self._typed(node.this, Type.TEXT, depth + 1),))

    def _call_round(self, name: str, node: Node, depth: int) -> Expr:
        digits = node.args.get("decimals")
        places = 0.0 if digits is None else self._typed(digits, Type.NUMBER, depth + 1).value
        if not isinstance(places, float) or places not in range(10) or node.args.get("truncate"):
            raise self._refuse(node, "ROUND takes a number and 0 to 9 digits")
        inner = self._typed(node.this, Type.NUMBER, depth + 1)
        return self._bounded(node, Expr(name, Type.NUMBER, (inner,), places))

    def _call_many(self, name: str, node: Node, depth: int) -> Expr:
        args = [self._expr(arg, depth + 1) for arg in (node.this, *node.expressions) if arg is not None]
        same = {arg.type for arg in args}
        if len(same) != 1 or (name != "coalesce" and same != {Type.NUMBER}):
            raise self._refuse(node, f"{name.upper()} takes values of one type")
        return Expr(name, args[0].type, tuple(args))

    def _call_in_zone(self, name: str, node: Node, depth: int) -> Expr:
        return self._place(name, node, depth, columns=True)

    def _call_in_commune(self, name: str, node: Node, depth: int) -> Expr:
        return self._place(name, node, depth, columns=False)

    def _place(self, name: str, node: Node, depth: int, *, columns: bool) -> Expr:
        args = [self._typed(arg, Type.TEXT, depth + 1) for arg in node.expressions]
        if len(args) != 1 or not (args[0].op == "literal" or (columns and args[0].op == "column")):
            raise self._refuse(node, f"{name} takes one text, such as {name}('commune:24133')")
        return Expr(name, Type.BOOL, tuple(args))

    def _typed(self, node: Node, wanted: Type, depth: int) -> Expr:
        expr = self._expr(node, depth)
        if expr.type is not wanted:
            raise self._refuse(node, f"a {wanted} is expected here, not a {expr.type}")
        return expr

    def _refuse(self, node: Node, why: str) -> RuleError:
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        before = self.text[: min(starts, default=0)]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        return RuleError(f"{line}:{column}: {why}")


def _nearest(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    if close:
        return "; did you mean " + " or ".join(repr(word) for word in close) + "?"
    return "; known are " + ", ".join(known)


def _words(node: Node) -> str:
    if isinstance(node, exp.Null):
        return "NULL as a value (ask with IS NULL)"
    return type(node).__name__.upper()


def _parse_message(error: SqlglotError) -> str:
    details = getattr(error, "errors", None)
    if not details:
        return f"1:1: not a SQL expression ({str(error).splitlines()[0]})"
    first = details[0]
    return f"{first.get('line') or 1}:{first.get('col') or 1}: not a SQL expression ({first.get('description')})"
