"""Operations as nodes, and nodes as text: what the source of a compiled rule is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

_TEMPLATES: Final = {
    "pick": (0, "{1} if {0} else {2}"),
    "up_to": (0, "{0} if {0} < {1} else {1}"),
    "number": (0, "0 if {0} is None else {0}"),
    "quantity": (0, "1 if {0} is None else {0}"),
    "clock": (0, "{0} if {0}.tzinfo is None else {0}.replace(tzinfo=None)"),
    "matches": (0, "{0} in {1} if {0}.__class__ is str else {0} is not None and {2}({0}, {3})"),
    "no_number": (1, "{0}.__class__ is not int or {0} < 0"),
    "either": (1, "{} or {}"),
    "both": (2, "{} and {}"),
    "negated": (3, "not {}"),
    "more": (4, "{} > {}"),
    "since": (4, "{} >= {}"),
    "until": (4, "{} <= {}"),
    "before": (4, "{} < {}"),
    "is": (4, "{} == {}"),
    "in": (4, "{} in {}"),
    "stated": (4, "{} is not None"),
    "not_told": (4, "{} is None"),
    "no_zone": (4, "{}.tzinfo is None"),
    "no_plain": (4, "{}.__class__ not in {}"),
    "unlisted": (4, "{} not in {}"),
    "plus": (5, "{} + {}"),
    "minus": (5, "{} - {}"),
    "minute": (5, "{0}.hour * 60 + {0}.minute"),
    "times": (6, "{} * {}"),
    "divided": (6, "{} // {}"),
    "date": (7, "{}.date()"),
    "weekday": (7, "{}.isoweekday()"),
}
"""The operations: how closely each binds what it is done with, and its text."""

_LIST: Final = 7
"""How closely a call binds, and values together, which both have as many operands as they need."""

_NAME: Final = 8

_IN_A_ROW: Final = {"plus": 0, "both": 0, "either": 0, "pick": 2}
"""The place where what is done may have another of its own without brackets."""

_SEVERAL_TIMES: Final = frozenset({"up_to", "matches", "number", "quantity", "no_number", "minute", "clock"})
"""What names its first operand more than once, so that it has to have a name."""

_QUICK: Final = frozenset({"more", "is", "in", "stated"})
"""What is not worth a step, unless it is made of more than names."""

_DEEPEST: Final = 12
"""Operations one inside another, before a step is made of them."""


class Node:
    """An operation, and what it is done with."""

    __slots__ = ("operands", "operation")

    def __init__(self, operation: str, operands: tuple[Any, ...]) -> None:
        self.operation = operation
        self.operands = operands


class Writer:
    """Nodes as text: what is used twice, or too deep inside other things, is a step with a name."""

    def __init__(self, nodes: Iterable[Node], roots: list[Node]) -> None:
        self.uses = Counter(roots)
        self.used = list[Node]()
        for node in reversed(list(dict.fromkeys(nodes))):  # what is made of others comes after them
            if self.uses[node]:
                self.used.append(node)
                self.uses.update(node.operands if node.operation != "name" else ())
        self.used.reverse()
        self.to_name = {node.operands[0] for node in self.used if node.operation in _SEVERAL_TIMES}
        self.texts: dict[Node, str] = {}
        self.binding: dict[Node, int] = {}
        """How closely the text of each binds."""
        self.deep: dict[Node, int] = {}
        """How many operations are one inside another in the text of each."""
        self.names = 0

    def steps(self, roots: Iterable[Node]) -> Iterator[str]:
        """The steps to some nodes that are not made yet."""
        wanted = set(roots)
        for node in reversed(self.used):
            if node in wanted and node.operation != "name":
                wanted.update(node.operands)
        for node in self.used:
            if node in wanted and node not in self.texts:
                yield from self._step(node)

    def _step(self, node: Node) -> Iterator[str]:
        if node.operation == "name":
            self._keep(node, node.operands[0], _NAME, 0)
            return
        binding, template = _TEMPLATES.get(node.operation, (_LIST, ""))
        text = template.format(*self._operands(node, binding)) if template else self._listed(node)
        deep = 1 + max(self.deep[operand] for operand in node.operands)
        again = self.uses[node] > 1 and not (node.operation in _QUICK and deep == 1)
        if again or node in self.to_name or deep >= _DEEPEST:
            yield f"s{self.names} = {text}"
            self._keep(node, f"s{self.names}", _NAME, 0)
            self.names += 1
        else:
            self._keep(node, text, binding, deep)

    def _operands(self, node: Node, binding: int) -> Iterator[str]:
        for place, operand in enumerate(node.operands):
            in_a_row = operand.operation == node.operation and place == _IN_A_ROW.get(node.operation)
            bare = in_a_row or self.binding[operand] > binding
            yield self.texts[operand] if bare else f"({self.texts[operand]})"

    def _listed(self, node: Node) -> str:
        texts = [self.texts[operand] for operand in node.operands]
        if node.operation == "together":
            return f"({', '.join(texts)})"
        function, *given = texts
        return f"{function}({', '.join(given)})"

    def _keep(self, node: Node, text: str, binding: int, deep: int) -> None:
        self.texts[node], self.binding[node], self.deep[node] = text, binding, deep

    def any_of(self, masks: Iterable[Node]) -> str:
        """The text of whether any of some masks holds."""
        return " or ".join(self.texts[mask] if self.binding[mask] else f"({self.texts[mask]})" for mask in masks)
