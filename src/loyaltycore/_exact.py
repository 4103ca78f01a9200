"""Exact numbers: what comes in, the one rounding, splitting without loss, and a small frozen mapping.

A number is an `int` where it is whole and a `fractions.Fraction` where it is not, so that sums, products and
comparisons are exact and most of them cost what integers cost. The fractions are a `Ratio`, which is quick with
whole numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from decimal import Decimal
from fractions import Fraction
from math import gcd, isfinite
import re
from typing import Any, Final, Generic, TypeAlias, TypeVar

from loyaltycore.errors import InexactNumber, RuleError

Number: TypeAlias = int | str | Decimal | Fraction
"""What may be given where a number is wanted."""

Exact: TypeAlias = int | Fraction
"""What a number is inside: whole numbers are `int`."""

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)

MAX_DIGITS: Final = 40
"""More digits, before or after the point, than any amount or rate has; longer numbers are refused unread."""

_MAX_EXPONENT: Final = 10**MAX_DIGITS
_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,9})?|[+-]?\d+/\d+", re.ASCII)


def exact(value: object, what: str = "number") -> Exact:
    """`value` as an exact number; *what* names it in the error.

    Floats, bools, NaN, infinities, underscores, non-ASCII digits and numbers of more than 40 digits are refused.

    >>> exact("1.50"), exact("2.0"), exact("1/3")
    (Fraction(3, 2), 2, Fraction(1, 3))
    """
    if type(value) is int:
        return _bounded(value, what)
    if isinstance(value, str):
        return _from_text(value, what)
    if isinstance(value, Decimal):
        return _from_decimal(value, what)
    if isinstance(value, Fraction):
        return _reduced(value.numerator, value.denominator, what)
    if isinstance(value, float):
        if not isfinite(value):
            raise InexactNumber(f"{what}: {value} is not a number that can be counted; give a finite one")
        text = format(value, ".15g")
        raise InexactNumber(f"{what}: the float {value!r} is not exact; write '{text}' or Decimal('{text}')")
    if isinstance(value, bool):
        raise InexactNumber(f"{what}: {value!r} is a truth value, not a number; write 1 or 0 if that is meant")
    if isinstance(value, int):
        return _bounded(int(value), what)
    raise InexactNumber(
        f"{what}: {type(value).__name__} is not a number; give an int, a str such as '12.50', a Decimal or a Fraction"
    )


NO_FLOATS: Final = "divide as in Fraction(x) / 2 or x // 2, and write numbers as in '0.5'"
"""The remedy for a float that was computed."""


def returned(value: object, by: object, hook: str) -> Exact:
    """What the *hook* of somebody's own class returned, as an exact number."""
    name = f"{type(by).__name__}.{hook}"
    if isinstance(value, float):
        raise InexactNumber(f"{name} returned the float {value!r}; {NO_FLOATS}")
    return exact(value, name)


def _bounded(value: int, what: str) -> int:
    if -_MAX_EXPONENT < value < _MAX_EXPONENT:
        return value
    raise InexactNumber(f"{what}: a whole number of more than {MAX_DIGITS} digits; give the amount in a larger unit")


def _reduced(above: int, below: int, what: str) -> Exact:
    return reduced(_bounded(above, what), _bounded(below, what))


def _from_text(text: str, what: str) -> Exact:
    if len(text) > 2 * MAX_DIGITS or not _TEXT.fullmatch(text):
        raise InexactNumber(f"{what}: {text[:24]!r} is not a number; write digits as in '12.50', '1/3' or '-7'")
    if "/" in text:
        above, below = text.split("/")
        if not below.strip("0"):
            raise InexactNumber(f"{what}: {text!r} divides by zero; give a denominator above 0")
        return _reduced(int(above), int(below), what)
    return _from_decimal(Decimal(text), what)


def _from_decimal(value: Decimal, what: str) -> Exact:
    if not value.is_finite():
        raise InexactNumber(f"{what}: {value} is not a number that can be counted; give a finite one")
    if not value:
        return 0
    # the exponent is looked at before any conversion: int(Decimal("1e999999")) alone takes half a minute
    above_point = value.adjusted() + 1
    below_point = len(value.as_tuple().digits) - above_point
    if above_point > MAX_DIGITS or below_point > MAX_DIGITS:
        raise InexactNumber(
            f"{what}: {value:.3g} has more than {MAX_DIGITS} digits before or after the point; round it, or give it"
            " in another unit"
        )
    return reduced(*value.as_integer_ratio())


_AT_ONCE: Final = 16
"""Numbers added up before their sum is looked at."""

_new: Final = object.__new__


class Ratio(Fraction):
    """A fraction that is not whole, in lowest terms; its arithmetic with whole numbers and others like it is quick.

    `Fraction` takes a microsecond for most operations, the greater part of it to find out what the other number is.
    Here the common ones take a quarter of that, and a result that is whole is an `int`. Made by `reduced`.
    """

    __slots__ = ()

    _numerator: int
    _denominator: int

    def __add__(self, other: Any) -> Any:
        if type(other) is int:
            new = _new(Ratio)
            below = new._denominator = self._denominator
            new._numerator = self._numerator + other * below
            return new
        if type(other) is Ratio:
            above = self._numerator * other._denominator + other._numerator * self._denominator
            return reduced(above, self._denominator * other._denominator)
        return Fraction.__add__(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if type(other) is int:
            return reduced(self._numerator * other, self._denominator)
        if type(other) is Ratio:
            return reduced(self._numerator * other._numerator, self._denominator * other._denominator)
        return Fraction.__mul__(self, other)

    __rmul__ = __mul__

    def __neg__(self) -> Ratio:
        new = _new(Ratio)
        new._numerator = -self._numerator
        new._denominator = self._denominator
        return new

    def __lt__(self, other: Any) -> bool:
        return self._numerator < other * self._denominator if type(other) is int else Fraction.__lt__(self, other)

    def __le__(self, other: Any) -> bool:
        return self._numerator <= other * self._denominator if type(other) is int else Fraction.__le__(self, other)

    def __gt__(self, other: Any) -> bool:
        return self._numerator > other * self._denominator if type(other) is int else Fraction.__gt__(self, other)

    def __ge__(self, other: Any) -> bool:
        return self._numerator >= other * self._denominator if type(other) is int else Fraction.__ge__(self, other)

    def __repr__(self) -> str:
        return f"Fraction({self._numerator}, {self._denominator})"


def reduced(above: int, below: int) -> Exact:
    """`above / below` as an exact number; *below* is above 0."""
    common = gcd(above, below)
    if common == below:
        return above // below
    new = _new(Ratio)
    new._numerator = above // common
    new._denominator = below // common
    return new


def divided(value: Exact, by: Exact) -> Exact:
    """`value / by`, exactly; *by* is above 0."""
    if by == 1:
        return value
    return reduced(value.numerator * by.denominator, value.denominator * by.numerator)


def tidy(value: Exact) -> Exact:
    """A computed number with whole fractions as `int`."""
    if type(value) is int or type(value) is Ratio:
        return value
    return reduced(value.numerator, value.denominator)


def total(numbers: Sequence[Exact]) -> Exact:
    """The sum; of one number, which is what most lists of them are, the number."""
    if len(numbers) == 1:
        return numbers[0]
    result: Exact = sum(numbers[:_AT_ONCE])
    for start in range(_AT_ONCE, len(numbers), _AT_ONCE):
        # thousands of unlike denominators would grow without end, and take minutes to add
        result = _summable(result) + sum(numbers[start : start + _AT_ONCE])
    return _summable(result)


def _summable(value: Exact) -> Exact:
    if type(value) is not int:
        _bounded(value.denominator, "the sum's denominator")
    return value


def whole(value: object, what: str, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """`value` as an `int`; a fraction, or one below *at_least* or above *at_most*, is refused."""
    number = exact(value, what)
    if type(number) is not int:
        raise RuleError(f"{what}: {show(number)} is not a whole number; give an int")
    if at_least is not None and number < at_least:
        raise RuleError(f"{what}: {number} is below {at_least}; give {at_least} or more")
    if at_most is not None and number > at_most:
        raise RuleError(f"{what}: {number} is above {at_most:,}; give {at_most:,} or less")
    return number


def at_least_zero(value: object, what: str) -> Exact:
    """`value` as an exact number of 0 or more."""
    number = exact(value, what)
    if number < 0:
        raise RuleError(f"{what}: {show(number)} is below 0; give 0 or more")
    return number


def above_zero(value: object, what: str) -> Exact:
    """`value` as an exact number above 0."""
    number = exact(value, what)
    if number <= 0:
        raise RuleError(f"{what}: {show(number)} is not above 0; give a number above 0")
    return number


def show(value: Exact) -> str:
    """The shortest text that `exact` reads back: `'12.5'`, `'1/3'`, `'-7'`."""
    if value.denominator == 1:  # an own rule may hold a whole `Fraction`
        return str(value.numerator)
    below = value.denominator
    twos = fives = 0
    while below % 2 == 0:
        below //= 2
        twos += 1
    while below % 5 == 0:
        below //= 5
        fives += 1
    if below != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def code(value: Exact) -> str:
    """The literal that stands for a number in a repr: `2`, `'1.5'`."""
    return str(value) if type(value) is int else f"'{show(value)}'"


# Rounding -----------------------------------------------------------------------------------------------------------

MODES: Final = ("floor", "ceil", "half_up", "half_down", "half_even")


def rounding_mode(value: object) -> str:
    """One of the five rounding modes, or an error that lists them."""
    if value in MODES:
        return str(value)
    raise RuleError(f"rounding: {value!r} is no mode; give one of {', '.join(MODES)}")


def round_to(value: Exact, mode: str = "floor", to: Exact = 1) -> Exact:
    """`value` rounded to a multiple of *to*. Halves go away from zero in `half_up`, towards it in `half_down`.

    >>> [round_to(exact("2.5"), mode) for mode in MODES]
    [2, 3, 3, 2, 2]
    >>> round_to(149, to=50)
    100
    """
    if to == 1:
        if type(value) is int:
            return value
        above, below = value.numerator, value.denominator
    else:
        steps = divided(value, to)
        above, below = steps.numerator, steps.denominator
    low, rest = divmod(above, below)
    if rest and (mode == "ceil" or (mode != "floor" and _half_goes_up(mode, low, 2 * rest - below))):
        low += 1
    return low if to == 1 else tidy(low * to)


def _half_goes_up(mode: str, low: int, past_half: int) -> bool:
    if past_half:
        return past_half > 0
    if mode == "half_even":
        return low % 2 == 1
    return (mode == "half_up") == (low >= 0)


def floor(value: Exact) -> int:
    """The largest whole number not above `value`."""
    if type(value) is int:
        return value
    return value._numerator // value._denominator if type(value) is Ratio else value.__floor__()


# Splitting ----------------------------------------------------------------------------------------------------------


def apportion(total: int, weights: Iterable[Exact]) -> list[int]:
    """`total` in whole parts in proportion to *weights*, by largest remainder; ties go to the first.

    The parts add up to `total` and each is within 1 of its exact share. Weights are 0 or more, and one above 0.

    >>> apportion(100, [1, 1, 1])
    [34, 33, 33]
    """
    shares = list(weights)
    if any(w < 0 for w in shares) or not any(shares):
        raise RuleError("weights: give weights of 0 or more, at least one of them above 0")
    everything = sum(shares)
    quotas = [Fraction(total) * w / everything for w in shares]
    parts = [floor(q) for q in quotas]
    left = sorted(range(len(parts)), key=lambda i: (parts[i] - quotas[i], i))
    for i in left[: total - sum(parts)]:
        parts[i] += 1
    return parts


def share_between(total: int, before: Exact, after: Exact, whole: Exact) -> int:
    """What is due when the part done grows from *before* to *after* of *whole*: any steps add up to `total`.

    >>> [share_between(100, a, a + 1, 3) for a in range(3)]
    [33, 33, 34]
    """
    return floor(Fraction(total) * after / whole) - floor(Fraction(total) * before / whole)


# Numbers as keys -----------------------------------------------------------------------------------------------------

MOST_ALIKE: Final = 20
"""Keys of one hash: numbers can be chosen to share theirs, and the time for a mapping then grows with their square."""


def check_hashes(keys: Iterable[object], what: str) -> None:
    """Refuse keys that were chosen to have one hash: no others come to more than a few."""
    alike = Counter(map(hash, keys))
    if alike and max(alike.values()) > MOST_ALIKE:
        raise RuleError(f"{what}: more than {MOST_ALIKE} of the numbers have one hash; use text instead of numbers")


# A frozen mapping ---------------------------------------------------------------------------------------------------


class FrozenMap(Mapping[K, V_co], Generic[K, V_co]):
    """A mapping that cannot change, hashes by content and pickles. Two are equal in whatever order they were filled.

    >>> FrozenMap({"birth_month": 5})
    {'birth_month': 5}
    """

    __slots__ = ("_hash", "_items")

    _items: dict[K, V_co]
    _hash: int

    def __init__(self, items: Mapping[K, V_co] | Iterable[tuple[K, V_co]] = ()) -> None:
        _fill(self, dict(items._items if isinstance(items, FrozenMap) else items))

    @staticmethod
    def over(items: dict[K, V_co]) -> FrozenMap[K, V_co]:
        """A frozen face of a dict, which is not copied; of one that its owner goes on changing, never for keeping."""
        face: FrozenMap[K, V_co] = _new(FrozenMap)
        _fill(face, items)
        return face

    def replacing(self, items: dict[K, V_co]) -> FrozenMap[K, V_co]:
        """This map with other values for those keys; it is not copied, where it is large beside them."""
        return _layered([self._items], items)

    def __getitem__(self, key: K) -> V_co:
        return self._items[key]

    # as `dict` does them, without the detours of the base class
    def get(self, key: K, default: Any = None) -> Any:
        return self._items.get(key, default)

    def keys(self) -> KeysView[K]:
        return self._items.keys()

    def values(self) -> ValuesView[V_co]:
        return self._items.values()

    def items(self) -> ItemsView[K, V_co]:
        return self._items.items()

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:  # nobody has asked before
            object.__setattr__(self, "_hash", hash(frozenset(self._items.items())))
            return self._hash

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenMap):
            return self._items == other._items
        return self._items == other if isinstance(other, dict) else NotImplemented

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a FrozenMap does not change; make a new one instead of setting {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a FrozenMap does not change; make a new one instead of deleting {name!r}")

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type[FrozenMap[K, V_co]], tuple[dict[K, V_co]]]:
        return FrozenMap, (dict(self._items),)


_fill: Final = vars(FrozenMap)["_items"].__set__  # past the lock, in half the time of `object.__setattr__`

EMPTY: Final[FrozenMap[Any, Any]] = FrozenMap()


def frozen_map(items: Mapping[Any, Any]) -> FrozenMap[Any, Any]:
    """A mapping frozen; one that is, is not copied."""
    return items if isinstance(items, FrozenMap) else FrozenMap(items) if items else EMPTY


class _Layers(FrozenMap[K, V_co]):
    """A map in layers, the last one on top, each at least twice as large as the next.

    So there are few of them, and a value is seldom copied, however many are replaced one after the other.
    """

    __slots__ = ("_layers", "_whole")

    _layers: list[dict[K, V_co]]
    _whole: dict[K, V_co]

    @property
    def _items(self) -> dict[K, V_co]:  # type: ignore[override]
        try:
            return self._whole
        except AttributeError:  # nobody has read all of it before
            whole: dict[K, V_co] = {}
            for layer in self._layers:
                whole.update(layer)
            object.__setattr__(self, "_whole", whole)
            return whole

    def replacing(self, items: dict[K, V_co]) -> FrozenMap[K, V_co]:
        return _layered(self._layers, items)

    def __getitem__(self, key: K) -> V_co:
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        raise KeyError(key)

    def get(self, key: K, default: Any = None) -> Any:
        for layer in reversed(self._layers):
            if key in layer:
                return layer[key]
        return default

    def __contains__(self, key: object) -> bool:
        return any(key in layer for layer in self._layers)


def _layered(layers: list[dict[K, V_co]], top: dict[K, V_co]) -> FrozenMap[K, V_co]:
    """A map of those layers and one more; those that it outgrows become one with it."""
    low = len(layers)
    while low and len(layers[low - 1]) < 2 * len(top):
        low -= 1
        top = {**layers[low], **top}
    if not low:
        return FrozenMap.over(top)
    new: _Layers[K, V_co] = _new(_Layers)
    object.__setattr__(new, "_layers", [*layers[:low], top])
    return new
