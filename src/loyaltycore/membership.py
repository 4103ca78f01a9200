"""The members: who is active, who comes back, and which tiers they are in and move between."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from attrs import frozen

from loyaltycore._accounting import money, percent
from loyaltycore._accounts import Accounts, Life, Source, row_of, source_of
from loyaltycore._calendar import show_moment
from loyaltycore._exact import Exact
from loyaltycore._months import check_by, first_day, label, period_of
from loyaltycore._result import Plotted, Table
from loyaltycore.account import Account
from loyaltycore.desk import When
from loyaltycore.errors import RuleError
from loyaltycore.flows import percent_or_dash, share
from loyaltycore.history import AnyProgram
from loyaltycore.instants import start_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from loyaltycore.ledger import Ledger


class _OfProgram(Plotted):
    program: str

    def _title_of(self, what: str) -> str:
        return f"{self.program}: {what}" if self.program else what


# Who is active, and who comes back ------------------------------------------------------------------------------------


class Engaged(NamedTuple):
    """The members in a period: how many there are, how many are new, were active, came again and came back.

    *enrolled* is at its end. *active* made at least one purchase in it, *repeat* of those two or more, *retained* of
    those of the period before at least one. Shares are `None` of nobody: *active_rate* of the enrolled, *repeat_rate*
    of the active, *retention* of the active of the period before, of whom *churn* is the rest. *frequency* is
    purchases by active member.
    """

    period: str
    enrolled: int
    new: int
    active: int
    purchases: int
    repeat: int
    retained: int
    active_rate: Exact | None
    repeat_rate: Exact | None
    frequency: Exact | None
    retention: Exact | None
    churn: Exact | None


@frozen(repr=False)
class Engagement(_OfProgram):
    """How members take part, by period. `print` it, or take `rows`, `plot()`, `to_frame()` or `to_csv()`."""

    row: ClassVar[type[Any]] = Engaged

    program: str
    by: str
    kind: str
    rows: tuple[Engaged, ...]

    def _title(self) -> str:
        return self._title_of(f"members and their {self.kind}s by {self.by}")

    def _tables(self) -> Iterator[Table]:
        many = [(row.period, *row[1:7]) for row in self.rows]
        yield self._title(), (self.by, "enrolled", "new", "active", f"{self.kind}s", "repeat", "retained"), many
        rates = [
            (row.period, *map(percent_or_dash, (row.active_rate, row.repeat_rate)),
             "-" if row.frequency is None else money(row.frequency, 2), *map(percent_or_dash, row[10:]))
            for row in self.rows
        ]  # fmt: skip
        header = (self.by, "active rate", "repeat rate", "frequency", "retention", "churn")
        yield self._title_of(f"rates by {self.by}"), header, rates

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        rates = {
            "active": [row.active_rate for row in self.rows],
            "repeat": [row.repeat_rate for row in self.rows],
            "retained": [row.retention for row in self.rows],
        }
        title = self._title_of(f"members, rates by {self.by}")
        return plots.lines(ax, [row.period for row in self.rows], rates, title=title, unit="share", percent=True)


def engagement(
    accounts: Accounts,
    *,
    at: When | None = None,
    by: str = "month",
    kind: str = "purchase",
    program: AnyProgram | None = None,
) -> Engagement:
    """How many members are enrolled and active in each period, how many come again, come back, and stay away.

    Arguments are as for `points_flow`; *kind* is the kind of activity that counts, also where it earned nothing and
    where it was refunded. Each counts when the account learnt it. A member is enrolled from the day they joined, or
    from the first entry where that is not known or later. Periods begin with the first in which something happened; the
    last may not be over at *at*. Who closed their account is a member still.

    >>> from loyaltycore.reports import engagement
    >>> club = Program("Club", earning=PerSpend(1))
    >>> visits = [Activity.purchase(9, at=f"2026-0{n}-05", id=f"t-{n}", member=f"m-{n % 2}") for n in (1, 2, 3)]
    >>> [(row.enrolled, row.active, row.churn) for row in engagement(club.replay(visits)).rows]
    [(1, 1, None), (2, 1, 1), (2, 1, 1)]
    """
    check_by(by)
    source = source_of(accounts, program)
    end = source.until(at)
    enrolled: Counter[int] = Counter()
    begun: list[int] = []
    came: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for life in source.lives(end):
        since, first = _enrolled(life, source, by)
        if since is not None and since <= period_of(end, by):
            enrolled[since] += 1
            begun += [] if first is None else [first]
        for period, times in _came(life, source, by, kind).items():
            came[period][life.member] = times
    rows = []
    begin = min(begun or enrolled, default=0)
    total = sum(members for period, members in enrolled.items() if period < begin)
    before: Mapping[str, int] = {}
    for period in range(begin, period_of(end, by) + 1) if enrolled else ():
        own = came.get(period, {})
        total += enrolled[period]
        rows.append(_engaged(label(period, by), total, enrolled[period], own, before))
        before = own
    return Engagement(source.name, by, kind, tuple(rows))


def _engaged(period: str, enrolled: int, new: int, own: Mapping[str, int], before: Mapping[str, int]) -> Engaged:
    purchases, repeat = sum(own.values()), sum(n > 1 for n in own.values())
    retained = len(own.keys() & before.keys())
    kept = share(retained, len(before))
    return Engaged(
        period, enrolled, new, len(own), purchases, repeat, retained, share(len(own), enrolled),
        share(repeat, len(own)), share(purchases, len(own)), kept, None if kept is None else 1 - kept,
    )  # fmt: skip


def _enrolled(life: Life, source: Source, by: str) -> tuple[int | None, int | None]:
    """The period since which a member is one, and that of the first entry."""
    days = [entry.posted.astimezone(source.zone).date() for entry in life.entries[:1]]
    first = [period_of(day, by) for day in days]
    since = [*first, *([] if life.joined is None else [period_of(life.joined, by)])]
    return min(since, default=None), min(first, default=None)


def _came(life: Life, source: Source, by: str, kind: str) -> Counter[int]:
    """How many activities of a kind there were in each period."""
    first = {
        entry.id: entry.posted
        for entry in reversed(life.entries)
        if entry.kind == "earned" and entry.activity in (kind, "")
    }
    return Counter(period_of(posted.astimezone(source.zone), by) for posted in first.values())


# Tiers --------------------------------------------------------------------------------------------------------------

NO_TIER = "no tier"


class TierCount(NamedTuple):
    """How many members were in a tier at the end of a period, and what share of all; `""` is no tier."""

    period: str
    tier: str
    members: int
    share: Exact


@frozen(repr=False)
class TierDistribution(_OfProgram):
    """How many members are in each tier. `print` it, or take `rows` or `plot()`; *tiers* are from the lowest up."""

    row: ClassVar[type[Any]] = TierCount

    program: str
    by: str
    tiers: tuple[str, ...]
    rows: tuple[TierCount, ...]

    def _title(self) -> str:
        return self._title_of(f"members by tier at the end of each {self.by}")

    def _table(self) -> dict[str, list[int]]:
        """The members of each tier by period."""
        found: dict[str, list[int]] = {}
        for row in self.rows:
            found.setdefault(row.period, []).append(row.members)
        return found

    def _tables(self) -> Iterator[Table]:
        rows = [(period, *members, sum(members)) for period, members in self._table().items()]
        yield self._title(), (self.by, *(tier or NO_TIER for tier in self.tiers), "members"), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        table = self._table()
        series = {tier or NO_TIER: [members[n] for members in table.values()] for n, tier in enumerate(self.tiers)}
        return plots.layers(ax, list(table), series, title=self._title(), unit="members")


def tier_distribution(
    accounts: Accounts,
    *,
    at: When | None = None,
    by: str = "month",
    ladder: str = "",
    program: AnyProgram | None = None,
) -> TierDistribution:
    """How many members were in each tier at the end of each period, and at *at*, as it is known at *at*.

    *accounts* are as for `expiry_wall`. *ladder* may be left out for the first. Periods, and from when members count,
    are as in `engagement`.

    >>> from loyaltycore.reports import tier_distribution
    >>> club = Program("Club", earning=PerSpend(1), tiers=TierLadder(Tier("gold", Reach("points", 100))))
    >>> visits = [Activity.purchase(60, at=f"2026-0{n}-05", id=f"t-{n}", member="Ada") for n in (1, 2)]
    >>> [(row.period, row.tier) for row in tier_distribution(club.replay(visits)).rows if row.members]
    [('2026-01', ''), ('2026-02', 'gold')]
    """
    check_by(by)
    source = source_of(accounts, program)
    end = source.until(at)
    names = _tiers(source, ladder, end)
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    begun: list[int] = []
    last = period_of(end, by)
    for account, ledger in source.opened(end):
        since, first = _since(account, ledger, source, by)
        if since is None or since > last:
            continue
        begun += [] if first is None else [first]
        held = _holder(ledger, names.ladder, end)
        for period in range(since, last + 1):
            over = start_of(first_day(period + 1, by), source.zone) - timedelta.resolution
            found[period][held(min(over, end))] += 1
    tiers = (*names.tiers, *sorted({tier for own in found.values() for tier in own} - {*names.tiers}))
    rows = [
        TierCount(label(period, by), tier, found[period][tier], share(found[period][tier], found[period].total()) or 0)
        for period in (range(min(begun or found), last + 1) if found else ())
        for tier in tiers
    ]
    return TierDistribution(source.name, by, tiers, tuple(rows))


class _Names(NamedTuple):
    """A ladder, and its tiers from the lowest up, no tier before all."""

    ladder: str
    tiers: tuple[str, ...]


def _tiers(source: Source, ladder: str, at: datetime) -> _Names:
    if source.program is None:
        return _Names(ladder, ("",))
    ladders = source.program.version(at).ladders
    if not ladders:
        raise RuleError(f"{source.name}: it has no tiers; give the program tiers=TierLadder(...)")
    name = ladder or next(iter(ladders))
    if name not in ladders:
        raise RuleError(f"ladder: {name!r} is no ladder; there is {', '.join(map(repr, ladders))}")
    tiers = tuple(tier.name for tier in ladders[name].tiers)
    return _Names(name, tiers if ladders[name].base else ("", *tiers))


def _since(account: Account, ledger: Ledger, source: Source, by: str) -> tuple[int | None, int | None]:
    """The period since which there is an account, and that of its first entry."""
    rows = Life(account.id, account._joined, [row_of(account.id, entry) for entry in ledger.entries[:1]])
    return _enrolled(rows, source, by)


def _holder(ledger: Ledger, ladder: str, known: datetime) -> Callable[[datetime], str]:
    """What tells the tier held at a moment, as is known at another."""
    standings = ledger.standings
    begun = [] if standings is None else standings.held_through(ladder, known)
    return lambda at: next((tier for since, tier in reversed(begun) if since is None or since <= at), "")


class TierMove(NamedTuple):
    """How many members were in one tier before and in another after; *share* is of those that were in the one before.

    `""` is no tier; *before* is `"new"` for those who were no members then.
    """

    before: str
    after: str
    members: int
    share: Exact


NEW = "new"


@frozen(repr=False)
class TierMigration(_OfProgram):
    """Who moved from which tier to which. `print` it, or take `rows` or `plot()`; *tiers* are from the lowest up."""

    row: ClassVar[type[Any]] = TierMove

    program: str
    since: datetime
    at: datetime
    tiers: tuple[str, ...]
    rows: tuple[TierMove, ...]

    def _title(self) -> str:
        since, at = (show_moment(each.replace(tzinfo=None)) for each in (self.since, self.at))
        return self._title_of(f"members by tier at {since} (down) and at {at} (across)")

    def _matrix(self) -> dict[str, list[TierMove]]:
        found: dict[str, list[TierMove]] = {}
        for row in self.rows:
            found.setdefault(row.before or NO_TIER, []).append(row)
        return found

    def _tables(self) -> Iterator[Table]:
        rows = [
            (before, *(row.members for row in own), sum(row.members for row in own))
            for before, own in self._matrix().items()
        ]
        yield self._title(), ("before", *(tier or NO_TIER for tier in self.tiers), "members"), rows

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        matrix = self._matrix()
        texts = [[f"{row.members:,}\n{percent(row.share)}" if row.members else "" for row in own]
                 for own in matrix.values()]  # fmt: skip
        shares = [[float(row.share) for row in own] for own in matrix.values()]
        after = [tier or NO_TIER for tier in self.tiers]
        since, at = (show_moment(each.replace(tzinfo=None)) for each in (self.since, self.at))
        title = self._title_of(f"from tier to tier, {since} to {at}")
        return plots.matrix(ax, list(matrix), after, shares, texts, title=title, down=f"at {since}", across=f"at {at}")


def tier_migration(
    accounts: Accounts,
    *,
    since: When,
    at: When | None = None,
    ladder: str = "",
    program: AnyProgram | None = None,
) -> TierMigration:
    """How many members moved from each tier to each other between two moments, or stayed, as it is known at *at*.

    Arguments are as for `tier_distribution`. Those who were no members at *since* are a row of their own.

    >>> from loyaltycore.reports import tier_migration
    >>> club = Program("Club", earning=PerSpend(1), tiers=TierLadder(Tier("gold", Reach("points", 100))))
    >>> visits = [Activity.purchase(60, at=f"2026-0{n}-05", id=f"t-{n}", member="Ada") for n in (1, 2)]
    >>> [tuple(row) for row in tier_migration(club.replay(visits), since="2026-02-01").rows if row.members]
    [('', 'gold', 1, 1)]
    """
    source = source_of(accounts, program)
    end = source.until(at)
    begin = source.until(since)
    if begin > end:
        raise RuleError(f"since: {show_moment(begin.replace(tzinfo=None))} is after the end; give an earlier moment")
    names = _tiers(source, ladder, end)
    moves: Counter[tuple[str, str]] = Counter()
    for account, ledger in source.opened(end):
        days = [] if account._joined is None else [start_of(account._joined, source.zone)]
        joined = min([*days, *(entry.posted for entry in ledger.entries[:1])], default=None)
        if joined is not None and joined <= end:
            held = _holder(ledger, names.ladder, end)
            moves[NEW if joined > begin else held(begin), held(end)] += 1
    known = {tier for move in moves for tier in move} - {*names.tiers, NEW}
    tiers = (*names.tiers, *sorted(known))
    froms = {before: sum(n for (b, _), n in moves.items() if b == before) for before in (*tiers, NEW)}
    rows = [
        TierMove(before, after, moves[before, after], share(moves[before, after], all_) or 0)
        for before, all_ in froms.items()
        if all_ or before != NEW
        for after in tiers
    ]
    return TierMigration(source.name, begin, end, tiers, tuple(rows))
