"""Answers to surveys: the net promoter score, satisfaction and effort, each with an interval.

A share has the interval of Wilson (1927): with n answers, the share p of them positive and z standard deviations, its
ends are (p + z²/2n ± z·sqrt(p(1 - p)/n + z²/4n²)) / (1 + z²/n). The net promoter score is a difference of two shares
of the same answers; its interval is put together from Wilson's of each by the square-and-add of Newcombe (1998, method
10), with the correlation that two classes of a multinomial have, -sqrt(p·q / ((1 - p)(1 - q))) (Zou and Donner, 2008).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

from attrs import frozen

from loyaltycore._accounts import Accounts, source_of
from loyaltycore._exact import Exact, Number, exact, show, tidy
from loyaltycore._months import check_by, label, period_of
from loyaltycore._result import Plotted, Table
from loyaltycore._show import count
from loyaltycore.activity import Activity
from loyaltycore.calls import is_frame
from loyaltycore.desk import When
from loyaltycore.errors import DataError, RuleError
from loyaltycore.history import AnyProgram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Answers: TypeAlias = Accounts | Iterable[Activity]
"""Accounts, in which activities were earned, or the activities themselves."""


class Score(NamedTuple):
    """The score of a period, from -100 or 0 to 100, and the ends of its interval; `None` where nobody answered.

    *negative* are the answers that are taken off: detractors of the net promoter score, and none of other scores.
    """

    period: str
    answers: int
    positive: int
    negative: int
    score: Exact | None
    low: float | None
    high: float | None


@frozen(repr=False)
class Survey(Plotted):
    """A score by period. `print` it, or take `rows`, `total` or `plot()`.

    *level* is how sure intervals are, *net* whether negative answers are taken off.
    """

    row: ClassVar[type[Any]] = Score

    name: str
    by: str
    level: Exact
    rows: tuple[Score, ...]
    net: bool = False

    @property
    def total(self) -> Score:
        """The score of all answers together."""
        sums = [sum(row.answers for row in self.rows), sum(row.positive for row in self.rows)]
        return _score("total", [*sums, sum(row.negative for row in self.rows)], self.level, net=self.net)

    @property
    def score(self) -> Exact | None:
        """The score of all answers together."""
        return self.total.score

    def _title(self) -> str:
        return f"{self.name} {_shown(self.score)}, {count(self.total.answers, 'answer')}"

    def _tables(self) -> Iterator[Table]:
        rows = [(*row[:2], *row[2:4], *map(_shown, row[4:])) for row in (*self.rows, self.total)]
        sure = f"{show(self.level * 100)}%"
        yield self._title(), (self.by, "answers", "positive", "negative", "score", f"{sure} from", "to"), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        given = [row for row in self.rows if row.score is not None]
        points = [(float(row.score or 0), row.low or 0.0, row.high or 0.0) for row in given]
        what = f"{show(self.level * 100)}% interval"
        labels = [row.period for row in given]
        return plots.intervals(ax, labels, points, title=self._title(), unit=self.name, what=what)


def _shown(value: Exact | float | None) -> str:
    return "-" if value is None else f"{float(value):.1f}"


def nps(
    answers: Answers,
    *,
    kind: str = "nps",
    score: str = "score",
    at: When | None = None,
    by: str = "month",
    level: Number = "0.95",
    program: AnyProgram | None = None,
) -> Survey:
    """The net promoter score: the share of answers of 9 and 10 less that of answers from 0 to 6, times 100.

    *answers* are activities, or accounts that earned them, as for `expiry_wall`, up to and with *at*; those of *kind*
    count, by their day, and the fact *score* is the answer, from 0 to 10. *by* is `"month"`, `"quarter"` or `"year"`;
    *level* how sure the interval is. Raises `DataError` for an answer that is none of the scale.

    >>> from loyaltycore.reports import nps
    >>> answers = [Activity.action("nps", at="2026-01-05", score=n) for n in (10, 9, 9, 8, 3)]
    >>> nps(answers).score
    40
    """

    def judged(answer: Exact) -> tuple[bool, bool]:
        return answer >= 9, answer <= 6  # noqa: PLR2004 (as the score is defined)

    return _survey("NPS", answers, kind, score, (0, 10), judged, at, by, level, program, net=True)


def csat(
    answers: Answers,
    *,
    kind: str = "csat",
    score: str = "score",
    positive: int = 4,
    most: int = 5,
    at: When | None = None,
    by: str = "month",
    level: Number = "0.95",
    program: AnyProgram | None = None,
) -> Survey:
    """Customer satisfaction: the share of answers of *positive* or more on a scale from 1 to *most*, times 100.

    Other arguments are as for `nps`.

    >>> from loyaltycore.reports import csat
    >>> csat(Activity.action("csat", at="2026-01-05", score=n) for n in (5, 4, 4, 2)).score
    75
    """
    return _share("CSAT", answers, kind, score, positive, most, at, by, level, program)


def ces(
    answers: Answers,
    *,
    kind: str = "ces",
    score: str = "score",
    positive: int = 5,
    most: int = 7,
    at: When | None = None,
    by: str = "month",
    level: Number = "0.95",
    program: AnyProgram | None = None,
) -> Survey:
    """Customer effort: the share of those who found it easy, *positive* or more from 1 to *most*, times 100.

    Other arguments are as for `nps`.

    >>> from loyaltycore.reports import ces
    >>> ces(Activity.action("ces", at="2026-01-05", score=n) for n in (7, 6, 5, 3)).score
    75
    """
    return _share("CES", answers, kind, score, positive, most, at, by, level, program)


def _share(
    name: str, answers: Answers, kind: str, score: str, positive: int, most: int, at: When | None, by: str,
    level: Number, program: AnyProgram | None,
) -> Survey:  # fmt: skip
    if not 1 <= positive <= most:
        raise RuleError(f"positive: {positive} is not on the scale from 1 to {most}; give the least positive answer")

    def judged(answer: Exact) -> tuple[bool, bool]:
        return answer >= positive, False

    return _survey(name, answers, kind, score, (1, most), judged, at, by, level, program)


def _survey(
    name: str, answers: Answers, kind: str, score: str, scale: tuple[int, int],
    judged: Callable[[Exact], tuple[bool, bool]], at: When | None, by: str, level: Number, program: AnyProgram | None,
    *, net: bool = False,
) -> Survey:  # fmt: skip
    check_by(by)
    sure = exact(level, "level")
    if not 0 < sure < 1 or float(sure) == 1:
        raise RuleError(f"level: {show(sure)} is no share; give one between 0 and 1, such as '0.95'")
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for activity in _activities(answers, at, program):
        if activity.kind == kind:
            given = judged(_answer(activity, score, scale))
            sums[period_of(activity.at, by)] = [
                n + more for n, more in zip(sums[period_of(activity.at, by)], (1, *given), strict=True)
            ]
    periods = range(min(sums), max(sums) + 1) if sums else ()
    rows = tuple(_score(label(period, by), sums[period], sure, net=net) for period in periods)
    return Survey(name, by, sure, rows, net)


def _activities(answers: Answers, at: When | None, program: AnyProgram | None) -> Iterator[Activity]:
    """The activities themselves, or those that accounts have earned for, each once."""
    if isinstance(answers, Iterable) and not isinstance(answers, Mapping) and not is_frame(answers):
        answers = tuple(answers)
        if all(isinstance(answer, Activity) for answer in answers):
            _refuse_end(at)
            yield from answers
            return
    source = source_of(answers, program)
    for _, ledger in source.opened(source.until(at)):
        seen = {entry.id: entry.data["activity"] for entry in ledger.entries if entry.kind == "earned"}
        yield from seen.values()


def _refuse_end(at: When | None) -> None:
    """Activities by themselves are at civil times of no zone, so a moment does not say which of them are over."""
    if at is not None:
        raise RuleError("at: it ends what accounts have earned; of activities give those that count, and leave it out")


def _answer(activity: Activity, score: str, scale: tuple[int, int]) -> Exact:
    given: Any = activity.facts.get(score)
    least, most = scale
    if isinstance(given, bool) or not isinstance(given, (int, Fraction)) or not least <= given <= most:
        raise DataError(
            f"{score}: {given!r} is no answer on the scale from {least} to {most}; leave the activity out",
            f"activity {activity.id!r}",
        )
    return given


# Intervals ----------------------------------------------------------------------------------------------------------


def _score(period: str, sums: Sequence[int], level: Exact, *, net: bool) -> Score:
    answers, positive, negative = sums
    if not answers:
        return Score(period, 0, 0, 0, None, None, None)
    z = NormalDist().inv_cdf((1 + float(level)) / 2)
    low, high = _difference(answers, positive, negative, z) if net else wilson(answers, positive, z)
    score = tidy(Fraction(100 * (positive - negative), answers))
    return Score(period, answers, positive, negative, score, 100 * low, 100 * high)


def wilson(n: int, positive: int, z: float) -> tuple[float, float]:
    """The ends of Wilson's interval of a share of n, for so many standard deviations."""
    p = positive / n
    middle = p + z * z / (2 * n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return (middle - half) / whole, (middle + half) / whole


def _difference(n: int, positive: int, negative: int, z: float) -> tuple[float, float]:
    """The ends of the interval of a difference of two shares of the same n."""
    p, q = positive / n, negative / n
    (p_low, p_high), (q_low, q_high) = wilson(n, positive, z), wilson(n, negative, z)
    others = (1 - p) * (1 - q)
    together = -sqrt(p * q / others) if others else 0.0
    down = _added(p - p_low, q_high - q, together)
    up = _added(p_high - p, q - q_low, together)
    return p - q - down, p - q + up


def _added(a: float, b: float, together: float) -> float:
    """Two distances squared and added, with their correlation."""
    return sqrt(max(0.0, a * a + b * b - 2 * together * a * b))
