"""Reading a strategy from its own repr: a walk over the syntax tree that knows a few nodes and refuses the others.

Nothing is ever evaluated by Python. A name must be registered, a method must be one that combines strategies, and what
is written must be short, shallow and exact.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from fractions import Fraction
from inspect import signature
import operator
import re
from typing import Any, Final

from loyaltycore._exact import Exact, FrozenMap, exact
from loyaltycore._strategy import CLASHES, METHODS, NAMES, Strategy
from loyaltycore.errors import DataError, LoyaltyError, RuleError

LONGEST: Final = 10_000
"""Characters in one expression."""

LONGEST_CHAIN: Final = 250
"""Operands in `a + b + ...`: each `+` builds the whole sum so far, so the time grows with the square."""

DEEPEST: Final = 50
"""How deep brackets, calls and data may nest."""

WIDTH: Final = 100
"""Characters of a line of code in a file."""

SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
"""Half of a pair: JSON and escapes can say it, but no file can hold it."""

FAILURES: Final = (LoyaltyError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError)
"""What a constructor may raise for arguments it does not take: an own one need not know `LoyaltyError`."""

_OPERATORS: Final[dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]]] = {
    ast.Add: ("+", operator.add),
    ast.Mult: ("*", operator.mul),
    ast.BitAnd: ("&", operator.and_),
    ast.BitOr: ("|", operator.or_),
}


def _fraction(above: Any, below: Any = 1) -> Exact:
    """`Fraction(3, 2)`, which is how a fact that is no whole number is written."""
    divisor = exact(below, "denominator")
    if not divisor:
        raise RuleError("denominator: 0 does not divide; give another number")
    return exact(Fraction(exact(above, "numerator")) / divisor)


_NUMBERS: Final[dict[str, Callable[..., Any]]] = {"Fraction": _fraction}
_QUOTED = re.compile(r"""(\'\'\'|\"\"\"|'|")(?:\\.|(?!\1).)*+(\1?)|\#[^\n]*""", re.DOTALL)
"""Text in quotes and comments; a quote that stays open reaches to the end, so that none is looked at twice."""

_IS_READ = "write only calls, their methods, text in quotes, whole numbers, tuples, mappings and + * & | ~"
_TABLES = "write it as nested tables instead"


def close_to(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'category'?` where something known is close, else nothing."""
    found = get_close_matches(name[:40], list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def read(text: str) -> Any:
    """What an expression builds; line breaks are free.

    At most 10,000 characters, 50 deep, and 250 in a chain of operators. What is not understood is a `DataError` whose
    message begins with the column.

    >>> read("PerSpend(1).over(50) + Flat(5)")
    PerSpend(1).over(50) + Flat(5)
    """
    if len(text) > LONGEST:
        raise DataError(f"an expression of {len(text):,} characters, more than {LONGEST:,}; {_TABLES}")
    return _Reader(text.replace("\r\n", "\n").replace("\r", "\n")).read()


def _blank(quoted: re.Match[str]) -> str:
    """As many spaces, or quotes if it stays open."""
    return ("'" if quoted[1] and not quoted[2] else " ") * len(quoted[0])


def laid_out(code: str, indent: str = "") -> str:
    """Long code on several lines, broken before the `+` of its sums; it reads back alike."""
    if len(indent) + len(code) <= WIDTH:
        return code
    bare = _QUOTED.sub(lambda quoted: "'" * len(quoted[0]), code)
    depth, cuts, closed = 0, [], 0
    for i, character in enumerate(bare):
        depth += (character in "([{") - (character in ")]}")
        if not depth and bare.startswith(" + ", i):
            cuts.append(i)
        closed = closed or (i if not depth else 0)  # where the first bracket closes, if the code begins with one
    if cuts:
        addends = [code[start:end] for start, end in zip([0, *(cut + 3 for cut in cuts)], [*cuts, None], strict=True)]
        return f"\n{indent}+ ".join(laid_out(addend, indent) for addend in addends)
    if code.startswith("(") and closed:
        deeper = f"{indent}    "
        return f"(\n{deeper}{laid_out(code[1:closed], deeper)}\n{indent}){code[closed + 1 :]}"
    return code


class _Reader:
    """One text, and the walk over its tree."""

    def __init__(self, text: str) -> None:
        self.source = f"({text}\n)"  # in brackets a line may break anywhere
        self.lines = self.source.split("\n")

    def read(self) -> Any:
        self._check_brackets()
        try:
            tree = ast.parse(self.source, mode="eval")
        except SyntaxError as error:
            raise self._wrong(error.lineno or 1, error.offset or 1, f"{error.msg}; {_IS_READ}") from error
        except (ValueError, RecursionError, MemoryError) as error:  # how it gives up depends on Python's version
            raise DataError(f"it is too deep to be read; {_TABLES}") from error
        return self._value(tree.body, 1)

    def _check_brackets(self) -> None:
        """Refuse deep brackets before the parser sees them, and those that pair up with the ones we added."""
        bare = _QUOTED.sub(_blank, self.source)
        opened: list[int] = []
        for found in re.finditer(r"[(\[{)\]}]", bare[:-1]):
            if found[0] in "([{":
                opened.append(found.start())
                if len(opened) > DEEPEST + 1:
                    raise self._wrong_at(found.start(), f"brackets nest too deep; {_TABLES}")
            elif len(opened) > 1:
                opened.pop()
            else:
                raise self._wrong_at(found.start(), f"{found[0]!r} is one too many; remove it")
        if len(opened) > 1 and bare[-1] != "'":  # a quote left open is what is wrong then
            raise self._wrong_at(opened[-1], f"{self.source[opened[-1]]!r} is never closed; close it")

    def _wrong_at(self, start: int, message: str) -> DataError:
        line = self.source.count("\n", 0, start) + 1
        return self._wrong(line, start - self.source.rfind("\n", 0, start), message)

    def _wrong(self, line: int, column: int, message: str) -> DataError:
        column = max(1, column - (line == 1))  # the first line begins with our bracket
        only_line = len(self.lines) == 2  # noqa: PLR2004 (the text, and our closing bracket)
        return DataError(f"column {column}: {message}" if only_line else f"line {line}, column {column}: {message}")

    def _at(self, node: ast.expr, message: str) -> DataError:
        line, offset = node.lineno, node.col_offset
        named = node.func if isinstance(node, ast.Call) else node
        if isinstance(named, ast.Attribute):  # a chain begins far to the left of the method that is meant
            line, offset = named.value.end_lineno or line, (named.value.end_col_offset or 0) + 1
        before = self.lines[line - 1].encode()[:offset]  # the tree counts bytes
        return self._wrong(line, len(before.decode(errors="replace")) + 1, message)

    def _not_read(self, node: ast.expr) -> DataError:
        shown = ast.get_source_segment(self.source, node) or ""
        return self._at(node, f"{shown[:40]!r} is not read here; {_IS_READ}")

    # Nodes ----------------------------------------------------------------------------------------------------------

    def _value(self, node: ast.expr, depth: int) -> Any:
        if depth > DEEPEST:
            raise self._at(node, f"it nests more than {DEEPEST} deep; {_TABLES}")
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Tuple() | ast.List():
                return tuple(self._value(item, depth + 1) for item in node.elts)
            case ast.Dict():
                return self._mapping(node, depth)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number)) as digits) if number is not True:
                return -self._literal(digits)
            case ast.UnaryOp(op=ast.Invert(), operand=inner):
                return self._inverted(inner, self._value(inner, depth + 1))
            case ast.BinOp():
                return self._chained(node, depth)
            case ast.Call():
                return self._called(node, depth)
            case ast.Name(id=name):
                raise self._at(node, f"{name!r} stands alone; call it, or put it in quotes if it is text")
        raise self._not_read(node)

    def _literal(self, node: ast.Constant) -> Any:
        value: Any = node.value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._tried(node, lambda: exact(value))
        if isinstance(value, float):
            raise self._at(node, f'the float {value!r} is not exact; write it as text: "{value:.15g}"')
        if isinstance(value, str) and not SURROGATE.search(value):
            return value
        raise self._not_read(node)

    def _mapping(self, node: ast.Dict, depth: int) -> FrozenMap[Any, Any]:
        items: dict[Any, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            if key_node is None:
                raise self._at(value_node, f"** is not read here; {_IS_READ}")
            key = self._value(key_node, depth + 1)
            if key in items:
                raise self._at(key_node, f"the key {key!r} stands twice; keep one")
            items[key] = self._value(value_node, depth + 1)
        return FrozenMap(items)

    def _inverted(self, node: ast.expr, value: Any) -> Any:
        if isinstance(value, Strategy):
            return self._tried(node, lambda: ~value, lambda: "; ~ is for conditions")  # type: ignore[operator]
        raise self._at(node, f"{value!r} is no condition; put ~ before one")

    def _chained(self, node: ast.expr, depth: int) -> Any:
        links: list[ast.BinOp] = []  # a + b + c leans to the left: it is long, not deep
        while isinstance(node, ast.BinOp):
            links.append(node)
            node = node.left
        if len(links) >= LONGEST_CHAIN:
            raise self._at(node, f"more than {LONGEST_CHAIN} in a chain of operators; {_TABLES}")
        depth += 1 + sum(isinstance(link.op, ast.Mult) for link in links)  # only products nest what they build
        value = self._value(node, depth)
        for link in reversed(links):
            value = self._joined(link, value, self._value(link.right, depth))
        return value

    def _joined(self, link: ast.BinOp, left: Any, right: Any) -> Any:
        if type(link.op) not in _OPERATORS:
            raise self._not_read(link)
        symbol, join = _OPERATORS[type(link.op)]
        remedy = f"; {symbol} joins " + ("conditions" if symbol in "&|" else "rules and factors")
        if isinstance(left, Strategy) or isinstance(right, Strategy):  # never "a" * 1000000
            return self._tried(link.right, lambda: join(left, right), lambda: remedy)
        raise self._at(link.right, f"neither side is a rule, factor or condition{remedy}")

    def _called(self, node: ast.Call, depth: int) -> Any:
        function = self._function(node.func, depth)
        args = [self._value(arg, depth + 1) for arg in node.args]
        keywords: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._at(keyword.value, f"** is not read here; {_IS_READ}")
            if keyword.arg in keywords:
                raise self._at(keyword.value, f"{keyword.arg!r} is given twice; keep one")
            keywords[keyword.arg] = self._value(keyword.value, depth + 1)

        def takes() -> str:
            return f"; it takes ({', '.join(signature(function).parameters)})"

        return self._tried(node, lambda: function(*args, **keywords), takes)

    def _function(self, node: ast.expr, depth: int) -> Callable[..., Any]:
        match node:
            case ast.Name(id=name):
                if name in _NUMBERS:
                    return _NUMBERS[name]
                if name in NAMES and not name.startswith("_"):
                    return NAMES[name]
                if name in CLASHES:
                    raise self._at(node, CLASHES[name])
                hint = close_to(name, NAMES) or "; import the module of an own class first, and give the class a kind"
                raise self._at(node, f"the name {name!r} is not known{hint}")
            case ast.Attribute(attr=name):
                owner = self._value(node.value, depth + 1)
                if name in METHODS and isinstance(owner, Strategy) and hasattr(owner, name):
                    method: Callable[..., Any] = getattr(owner, name)
                    return method
                methods = [m for m in sorted(METHODS) if isinstance(owner, Strategy) and hasattr(owner, m)]
                hint = close_to(name, methods) or f"; it has {', '.join(methods) or 'none'}"
                raise self._at(node, f"{type(owner).__name__} has no method {name!r}{hint}")
        raise self._not_read(node)

    def _tried(self, node: ast.expr, make: Callable[[], Any], remedy: Callable[[], str] = str) -> Any:
        """What `make` makes; what it raises is placed, with the remedy where its own message has none."""
        try:
            return make()
        except LoyaltyError as error:
            raise self._at(node, str(error)) from error
        except FAILURES as error:
            raise self._at(node, f"{error}".replace(".__init__()", "") + remedy()) from error
