"""The source of a function that says what a rule gives for one activity of one line.

`Source` is the engine for it. Each operation becomes a `Node`, alike ones are the same node, and what is 0 unless a
mask holds keeps that mask outermost, so that little is computed where a rule gives nothing. The text names arguments,
constants and steps by names made here: nothing that a rule says stands in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from math import lcm
from types import CodeType, NoneType
from typing import Any, Final

from loyaltycore._columns import (
    AT,
    CATEGORY,
    KIND,
    SKU,
    TIER,
    Column,
    Engine,
    Key,
    Label,
    Mask,
    NotLowered,
    Scope,
    Term,
)
from loyaltycore._exact import MAX_DIGITS, Exact, floor
from loyaltycore._nodes import Node, Writer
from loyaltycore._strategy import Strategy
from loyaltycore.activity import FactValue, fact_value
from loyaltycore.conditions import matches
from loyaltycore.errors import LoyaltyError

AMOUNT: Final = ("amount", "")
QUANTITY: Final = ("quantity", "")
OF_MEMBERS: Final = ("member", "tier", "ladder", "joined", "member_fact")
"""What is of the member, of all that a function may take."""

_WORDS: Final = (CATEGORY, SKU, KIND, TIER)
"""What is always text."""

_ORDER: Final = ("amount", "quantity", "category", "sku", "kind", "at", "fact", *OF_MEMBERS)
"""What functions take, in order: what is of the activity, then what is of the member."""

_PLAIN: Final = frozenset({str, int, NoneType})
"""What a fact is nearly always; a table has rows for nothing else."""


class Source(Engine):
    """Rules as the source of a function of one line. A truth value that is the same for all is a `bool`."""

    def __init__(self, below: int) -> None:
        self.below = below
        """The denominator of amounts."""
        self.labels: dict[Label, str] = {}
        """What the function takes, and the name of each."""
        self.constants: dict[str, Any] = {}
        self._nodes: dict[tuple[Any, ...], Node] = {}
        self._made: dict[Any, Any] = {}
        self._numbers: dict[int, Node] = {}
        self._terms: dict[Node, int] = {}
        """What the nodes of numbers stand for."""
        self._guards: dict[Node, None] = {}
        """Where an argument is not of the kind that is computed with."""
        self._doubts: dict[Node, None] = {}
        """Where what is computed does not tell."""
        self.measure("amount")

    def _node(self, operation: str, *operands: Any) -> Node:
        return self._nodes.setdefault((operation, *operands), Node(operation, operands))

    def _once(self, what: Any, make: Callable[[], Any]) -> Any:
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]

    def constant(self, value: Any) -> str:
        """The name of a value that is data."""
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def _constant(self, value: Any) -> Node:
        return self._node("name", self.constant(value))

    def _argument(self, label: Label) -> Node:
        what, name = label
        return self._node("name", self.labels.setdefault(label, f"{what}_{len(self.labels)}" if name else what))

    def _operand(self, term: Term) -> Node:
        if isinstance(term, Node):
            return term
        if term not in self._numbers:
            # 0 is no data
            self._numbers[term] = node = self._constant(term) if term else self._node("name", "0")
            self._terms[node] = term
        return self._numbers[term]

    def _guarded(self, term: Term) -> tuple[Node | None, Term]:
        """The mask that a term is 0 without, if there is one, and what it is with it."""
        if not isinstance(term, Node) or term.operation != "pick" or self._terms.get(term.operands[2]) != 0:
            return None, term
        mask, inner, _ = term.operands
        return mask, self._terms.get(inner, inner)

    # Numbers --------------------------------------------------------------------------------------------------------

    def plus(self, a: Term, b: Term) -> Term:
        if type(a) is int and type(b) is int:
            return a + b
        if 0 in (a, b):
            return b if a == 0 else a
        (mask, x), (other, y) = self._guarded(a), self._guarded(b)
        if mask is not None and mask is other:
            return self.pick(mask, self.plus(x, y), 0)
        return self._node("plus", self._operand(a), self._operand(b))

    def times(self, a: Term, b: Term) -> Term:
        if type(a) is int:
            a, b = b, a
        if type(a) is int or b in (0, 1):
            return a * b if type(a) is int else a if b else 0
        for one, other in ((a, b), (b, a)):
            mask, inner = self._guarded(one)
            if mask is not None:
                return self.pick(mask, self.times(inner, other), 0)
        return self._node("times", a, self._operand(b))

    def divided(self, a: Term, by: int) -> Term:
        if by > _MOST:
            raise NotLowered("a sum of fractions that are too much unlike")
        if type(a) is int or by == 1:
            return a // by if type(a) is int else a
        mask, inner = self._guarded(a)
        if mask is not None:
            return self.pick(mask, self.divided(inner, by), 0)
        return self._node("divided", a, self._operand(by))

    def up_to(self, a: Term, most: int) -> Term:
        if type(a) is int or not most:
            return min(a, most) if most else 0
        mask, inner = self._guarded(a)
        if mask is not None:
            return self.pick(mask, self.up_to(inner, most), 0)
        return self._node("up_to", a, self._operand(most))

    def above(self, a: Term, low: int) -> Term:
        if type(a) is int or not low:
            return max(a - low, 0) if low else a
        mask, inner = self._guarded(a)
        if mask is not None:
            return self.pick(mask, self.above(inner, low), 0)
        return self.pick(self.more_than(a, low), self._node("minus", a, self._operand(low)), 0)

    def pick(self, mask: Mask, a: Term, b: Term) -> Term:
        if isinstance(mask, bool):
            return a if mask else b
        if a is b or (type(a) is int and type(b) is int and a == b):
            return a
        inner, x = self._guarded(a)
        if inner is not None and type(b) is int and b == 0:
            return self._node("pick", self.both(mask, inner), self._operand(x), self._operand(0))
        return self._node("pick", mask, self._operand(a), self._operand(b))

    # Masks ----------------------------------------------------------------------------------------------------------

    def more_than(self, a: Term, bound: int) -> Mask:
        if bound < 0 or type(a) is int:
            return bound < 0 or a > bound
        mask, inner = self._guarded(a)
        if mask is not None:
            return self.both(mask, self.more_than(inner, bound))
        if a.operation == "up_to" and self._terms[a.operands[1]] > bound:
            return self.more_than(a.operands[0], bound)
        return self._node("more", a, self._operand(bound))

    def exceeds(self, a: Term, b: Term) -> Mask:
        if type(b) is int:
            return self.more_than(a, b)
        return self._node("more", self._operand(a), b)

    def both(self, a: Mask, b: Mask) -> Mask:
        if isinstance(a, bool):
            return b if a else a
        if isinstance(b, bool):
            return a if b else b
        return a if a is b or _has(a, "both", b) else self._node("both", a, b)

    def either(self, a: Mask, b: Mask) -> Mask:
        if isinstance(a, bool):
            return a or b
        if isinstance(b, bool):
            return b or a
        return a if a is b or _has(a, "either", b) else self._node("either", a, b)

    def negated(self, a: Mask) -> Mask:
        if isinstance(a, bool):
            return not a
        return a.operands[0] if a.operation == "negated" else self._node("negated", a)

    # What the function is told --------------------------------------------------------------------------------------

    def takes(self) -> dict[str, Label]:
        """What the function takes, by its name in the source; facts in the order of what they are called."""
        labels = sorted(self.labels, key=lambda label: (_ORDER.index(label[0]), label[1]))
        return {self.labels[label]: label for label in labels}

    def measure(self, of: str) -> Column:
        if of == "amount":
            amount = self._argument(AMOUNT)
            self._guards[self._node("no_number", amount)] = None
            return Column(self, amount, self.below)
        stated = self._argument(QUANTITY if of == "quantity" else ("fact", of))
        number = self._node("quantity" if of == "quantity" else "number", stated)
        self._guards[self._node("no_number", number)] = None
        return Column(self, number)

    def is_in(self, label: Label, values: tuple[Any, ...]) -> Mask:
        return self._once(
            (label, *((type(value), value) for value in values)),
            lambda: self._one_of(label, values) if label in _WORDS else self._fact(label, values),
        )

    def _one_of(self, label: Label, values: tuple[Any, ...]) -> Mask:
        if not values:
            return False
        if len(values) == 1:
            return self._node("is", self._argument(label), self._constant(values[0]))
        return self._node("in", self._argument(label), self._constant(frozenset(values)))

    def _fact(self, label: Label, values: tuple[Any, ...]) -> Mask:
        if not values:
            return self._node("stated", self._argument(label))
        texts = frozenset(value for value in values if isinstance(value, str))
        return self._node("matches", self._argument(label), *map(self._constant, (texts, _says, values)))

    def single(self, label: Label) -> None:
        if label not in _WORDS:
            plain = self._once("plain", lambda: self._constant(_PLAIN))
            self._guards[self._node("no_plain", self._argument(label), plain)] = None

    def agreed(self, label: Label, scope: Scope) -> None:
        self.single(label)

    def find(
        self, labels: tuple[Label, ...], rows: Mapping[tuple[Any, ...], Exact], otherwise: Exact
    ) -> tuple[Column, Mask] | None:
        if len(rows) <= _FEW and labels[0] in _WORDS:
            return None
        below = otherwise.denominator
        for number in rows.values():
            below = lcm(below, number.denominator)
            if below > _MOST:
                return None
        one = len(labels) == 1  # which needs no tuple
        tops = {keys[0] if one else keys: floor(number * below) for keys, number in rows.items()}
        stated = [self._argument(label) for label in labels]
        key, table = stated[0] if one else self._node("together", *stated), self._constant(tops)
        top = self._node("call", self._constant(tops.get), key, self._operand(floor(otherwise * below)))
        return Column(self, top, below), self._node("unlisted", key, table)

    def told(self, strategy: Strategy, function: Callable[..., bool], *labels: Label) -> Mask:
        mask = self._node("call", self._constant(_careful(function)), *map(self._argument, labels))
        self._doubts[self._node("not_told", mask)] = None
        return mask

    def on_weekdays(self, days: tuple[int, ...]) -> Mask:
        return self._node("in", self._node("weekday", self._argument(AT)), self._constant(days)) if days else False

    def in_minutes(self, start: int, end: int) -> Mask:
        minute = self._node("minute", self._argument(AT))
        since = self._node("since", minute, self._operand(start))
        return self.both(since, self._node("before", minute, self._operand(end)))

    def compared(self, bound: date, *, late: bool) -> Mask:
        at = self._argument(AT)
        if not isinstance(bound, datetime):
            at = self._node("date", at)
        elif bound.tzinfo is None:
            at = self._node("clock", at)
        else:
            self._guards[self._node("no_zone", at)] = None
        return self._node("until" if late else "since", at, self._constant(bound))

    def ask_itself(self, mask: Mask) -> None:
        if isinstance(mask, Node):
            self._doubts[mask] = None

    def stage(self, a: Term) -> Term:
        return a

    # What takes more than one activity ------------------------------------------------------------------------------

    def months(self, every: int) -> Key:
        raise NotLowered(_COUNTED)

    def days(self, every: int, start: int) -> Key:
        raise NotLowered(_COUNTED)

    def values(self, label: Label) -> Key:
        raise NotLowered(_COUNTED)

    def let_through(self, points: Term, most: int, per: tuple[Key, ...], scope: Scope) -> Term:
        raise NotLowered(_COUNTED)

    def place(self, mask: Mask, per: tuple[Key, ...], scope: Scope) -> Term:
        raise NotLowered(_COUNTED)

    # The text -------------------------------------------------------------------------------------------------------

    def body(self, results: list[Term], ask: str) -> tuple[list[str], list[str]]:
        """The lines of a function up to what it returns, and the texts of the results in that; *ask* is a line too."""
        wanted = [self._operand(result) for result in results]
        writer = Writer(self._nodes.values(), [*self._guards, *self._doubts, *wanted])
        lines = [*writer.steps(self._guards), f"if {writer.any_of(self._guards)}:", f"    {ask}"]
        lines += writer.steps([*self._doubts, *wanted])
        if self._doubts:
            lines += [f"if {writer.any_of(self._doubts)}:", f"    {ask}"]
        return lines, [writer.texts[node] for node in wanted]


def _has(mask: Node, operation: str, part: Node) -> bool:
    """Whether a mask is made of the part already, by that operation."""
    return mask.operation == operation and part in mask.operands


def _careful(function: Callable[..., bool]) -> Callable[..., bool | None]:
    """The function, with nothing where it raises an error: whether a rule raises it, only the rule itself knows."""

    def careful(*values: Any) -> bool | None:
        try:
            return function(*values)
        except LoyaltyError:
            return None

    return careful


def _says(stated: object, wanted: tuple[FactValue, ...]) -> bool:
    return matches(fact_value(stated, "facts"), wanted)


_MOST: Final = 10**MAX_DIGITS
"""A larger denominator is an error of the rule itself."""

_FEW: Final = 3
"""Words that are compared sooner than they are looked up."""

_COUNTED: Final = "what is counted from one activity to the next"


def made(name: str, takes: str, lines: list[str], constants: dict[str, Any]) -> tuple[Any, str]:
    """A function of what it takes and of constants, and the text of what binds it to them."""
    body = "\n".join(f"        {line}" for line in lines)
    text = f"def bind({', '.join(constants)}):\n    def {name}({takes}):\n{body}\n    return {name}\n"
    space: dict[str, Any] = {"__builtins__": {}, "int": int, "str": str, "len": len}
    exec(_code(text), space)  # noqa: S102 (of names that were made here)
    return space["bind"](**constants), text


@lru_cache(maxsize=256)
def _code(text: str) -> CodeType:
    """The code of a text, which rules of one shape share."""
    return compile(text, "<a compiled rule>", "exec")
