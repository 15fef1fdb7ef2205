"""Holds a checked condition as a small typed tree: what the compilers to Polars and to SQL read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.rules.columns import Type

#: Letters that LOWER changes: ASCII and the Vietnamese alphabet (NFC). Every database and locale agrees on these.
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZĐÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴ"
LOWER = UPPER.lower()

#: Bounds of a number inside arithmetic: beyond HUGE it is read as NULL, nearer to zero than TINY as 0. Together with
#: MAX_FACTORS no product of a condition can overflow or underflow, which PostgreSQL refuses and Polars does not.
HUGE = 1e30
TINY = 1e-30
MAX_FACTORS = 4


@dataclass(frozen=True, slots=True)
class Expr:
    """One node. `op` is an SQL word in lower case, or `column` and `literal`; `value` is the name or the constant."""

    op: str
    type: Type
    args: tuple[Expr, ...] = ()
    value: str | float | bool | tuple[str | float, ...] | None = None

    def walk(self) -> Iterator[Expr]:
        """Give this node and all nodes under it."""
        yield self
        for arg in self.args:
            yield from arg.walk()


ARITHMETIC = frozenset({"+", "-", "*", "/", "round"})


def factors(expr: Expr) -> int:
    """Give how many numbers are multiplied into one at most (a quotient counts like a product)."""
    inner = [factors(arg) for arg in expr.args if arg.type is Type.NUMBER]
    if expr.op in {"*", "/"}:
        return sum(inner)
    return max(inner, default=1) + (1 if expr.op == "round" else 0)
