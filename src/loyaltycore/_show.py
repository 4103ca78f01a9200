"""Text and HTML for people: source code of a value, and tables.

`repr` is the code that builds the value again. A `Code` is text with the strength of its outermost operator, so that
parentheses appear where Python needs them and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from html import escape
from typing import Any, Final, NamedTuple

from loyaltycore._calendar import show_moment
from loyaltycore._exact import code as number_code

OR, AND, SUM, PRODUCT, NOT, ATOM = range(6)
"""How strongly Python binds `|`, `&`, `+`, `*`, `~` and a call."""


class Code(NamedTuple):
    """Source text, and how strongly its outermost operator binds."""

    text: str
    strength: int = ATOM


def code_of(value: object) -> Code:
    """The code that builds `value`, given where a number is wanted: `'1.5'` will do for a fraction."""
    if isinstance(value, Code):
        return value
    own = getattr(value, "_code", None)
    if own is not None:
        found: Code = own()
        return found
    if isinstance(value, Fraction):
        return Code(number_code(value))
    if isinstance(value, datetime):
        return Code(repr(show_moment(value)))
    if isinstance(value, date):
        return Code(repr(value.isoformat()))
    if isinstance(value, tuple):
        inner = ", ".join(fact_code(item).text for item in value)
        return Code(f"({inner},)" if len(value) == 1 else f"({inner})")
    if isinstance(value, frozenset) and value:
        return Code("frozenset({" + ", ".join(sorted(code_of(item).text for item in value)) + "})")
    if isinstance(value, Mapping):
        return Code("{" + ", ".join(f"{fact_code(k).text}: {fact_code(v).text}" for k, v in value.items()) + "}")
    return Code(repr(value))


def fact_code(value: object) -> Code:
    """The code that builds `value`, given where text would stay text: a fraction is `Fraction(3, 2)`."""
    return Code(repr(value)) if isinstance(value, Fraction) else code_of(value)


def table(numbers: Mapping[Any, object]) -> Code:
    """A mapping of facts to numbers as code."""
    return Code("{" + ", ".join(f"{fact_code(k).text}: {code_of(v).text}" for k, v in numbers.items()) + "}")


def within(value: object, strength: int = ATOM) -> str:
    """The code of `value`, in parentheses if it binds less than *strength*."""
    text, own = code_of(value)
    return text if own >= strength else f"({text})"


def call(name: str, args: Iterable[object] = (), keywords: Mapping[str, object] | None = None) -> Code:
    """`name(*args, **keywords)` as code."""
    parts = [code_of(arg).text for arg in args]
    parts += [f"{key}={code_of(value).text}" for key, value in (keywords or {}).items()]
    return Code(f"{name}({', '.join(parts)})")


def method(owner: object, name: str, *args: object, **keywords: object) -> Code:
    """`owner.name(*args, **keywords)` as code."""
    return Code(f"{within(owner)}.{call(name, args, keywords).text}")


def infix(operator: str, strength: int, operands: Sequence[object]) -> Code:
    """`a + b + c` as code; from the second on, an equal strength is wrapped too, so that it reads back nested alike."""
    first, *rest = operands
    texts = [within(first, strength), *(within(operand, strength + 1) for operand in rest)]
    return Code(f" {operator} ".join(texts), strength)


def points(n: int, places: int = 0, *, thousands: str = ",") -> str:
    """Points as text: thousands grouped, the last *places* digits after the point."""
    whole, rest = divmod(abs(n), 10**places)
    return f"{'-' if n < 0 else ''}{whole:{thousands}}" + (f".{rest:0{places}}" if places else "")


def count(n: int, noun: str) -> str:
    """`"1 member"`, `"2 members"`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


# Tables -------------------------------------------------------------------------------------------------------------

HTML_ROWS: Final = 100
"""How many rows a notebook shows; text, CSV and data have all of them."""


def text_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A plain table: the first column to the left, numbers to the right with thousands grouped."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))

    body = [line(row).rstrip() for row in cells]
    return "\n".join([body[0], "  ".join("-" * w for w in widths), *body[1:]])


def html_table(header: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """The same table as HTML; every cell is escaped."""
    head = "".join(_html_cells("th", header))
    lines = [f"<tr>{''.join(_html_cells('td', row))}</tr>" for row in rows]
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _html_cells(tag: str, row: Sequence[Any]) -> Iterator[str]:
    for i, value in enumerate(row):
        yield f'<{tag} style="text-align:{"right" if i else "left"}">{escape(_cell(value))}</{tag}>'


def _cell(value: object) -> str:
    return f"{value:,}" if type(value) is int else str(value)
