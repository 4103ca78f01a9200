"""What others are told of accounts: written with the entries, numbered when first read, dropped once delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
import json
from json.encoder import encode_basestring
from typing import Any, TypeAlias

from attrs import frozen
import sqlalchemy as sa

from loyaltycore._exact import FrozenMap
from loyaltycore._opened import Opened
from loyaltycore._statements import Statements
from loyaltycore._tables import Tables
from loyaltycore.entries import Entry
from loyaltycore.history import AnyProgram
from loyaltycore.instants import end_of
from loyaltycore.tiers import TierLadder

Row: TypeAlias = tuple[str, str, str, int | None, Any, Any, str]
"""The account, the kind, what is told of once, the entry, when, up to when it could be told again, and the data."""

_quoted: Callable[[str], str] = encode_basestring


def _text(data: Mapping[str, str | int]) -> str:
    """The JSON text of names with texts and whole numbers; the library's own encoder takes three times as long."""
    return f"{{{', '.join([f'{_quoted(n)}: {_quoted(v) if isinstance(v, str) else v}' for n, v in data.items()])}}}"


@frozen
class Event:
    """Something others want to know of an account; *number* grows in the order in which they can be seen.

    *kind* is `points_earned`, `points_expiring`, `points_expired`, `tier_up`, `tier_at_risk` or `reward_available`.
    """

    number: int
    member: str
    kind: str
    at: datetime
    data: Mapping[str, Any]


# Telling --------------------------------------------------------------------------------------------------------------


class News:
    """What is to be told of the accounts of one transaction."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self.rows: list[Row] = []

    def of_block(self, opened: Opened, rewards: tuple[str, ...]) -> None:
        """Tell what happened in a block, and what rewards the member can have since."""
        for entry in opened.new:
            self.of_entry(opened, entry)
        last = opened.account._ledger.posted
        for reward in rewards:
            if reward not in opened.loaded.rewards and last is not None:
                subject = f"{opened.account._ledger.length} {reward}"
                self._add(opened, "reward_available", subject, last, {"reward": reward})

    def of_entry(self, opened: Opened, entry: Entry) -> None:
        """Tell of one entry, if anyone wants to know of its kind."""
        data: dict[str, Any]
        if entry.kind == "earned":  # as most are, so this is said at once
            if entry.points:
                said = f'{{"id": {_quoted(entry.id)}, "unit": {_quoted(entry.unit)}, "points": {entry.points}}}'
                at = self._statements.instant(entry.at)
                self.rows.append((opened.member, "points_earned", str(entry.seq), entry.seq, at, None, said))
            return
        if entry.kind == "lapsed":
            kind, data = "points_expired", {"unit": entry.unit, "points": entry.points}
        elif entry.kind == "tier_changed" and _is_up(opened.program, entry):
            kind = "tier_up"
            data = {"ladder": entry.data["ladder"], "tier": _tier(entry), "was": entry.data.get("was", "")}
        else:
            return
        self._add(opened, kind, str(entry.seq), entry.at, data, seq=entry.seq)

    def of_what_is_near(self, opened: Opened, to: datetime, notice: timedelta) -> None:
        """Tell what a member should hear in time: points that are about to lapse, a tier that will not be kept."""
        until = to + notice
        for unit, book in opened.account._ledger.books.items():
            if book.soonest is None or book.soonest > until:
                continue
            for lot in book.live.values():
                if lot.points and lot.ends is not None and to < lot.ends <= until:
                    data = {"unit": unit, "points": lot.points, "expires_on": str(lot.expires_on), "lot": lot.id}
                    self._add(opened, "points_expiring", f"{lot.id} {lot.expires_on}", to, data, until=lot.ends)
        if opened.account._ledger.standings is not None:
            self._of_tiers_at_risk(opened, to, until)

    def _of_tiers_at_risk(self, opened: Opened, to: datetime, until: datetime) -> None:
        last = until.astimezone(opened.program.zone).date()
        for name in opened.program.version(to).ladders:
            found = opened.account.tier_progress(at=to, ladder=name)
            stay = found.to_stay
            if stay is not None and not stay.met and found.stay_by is not None and found.stay_by <= last:
                data = {"ladder": name, "tier": found.tier, "stay_by": str(found.stay_by), "missing": str(stay)}
                ends = end_of(found.stay_by, opened.program.zone)
                self._add(opened, "tier_at_risk", f"{name} {found.tier} {found.stay_by}", to, data, until=ends)

    def _add(
        self, opened: Opened, kind: str, subject: str, at: datetime, data: Mapping[str, Any], *,
        seq: int | None = None, until: datetime | None = None,
    ) -> None:  # fmt: skip
        instant = self._statements.instant
        self.rows.append((opened.member, kind, subject, seq, instant(at), instant(until), _text(data)))

    def write(self, connection: sa.Connection) -> None:
        """Put it into the outbox, each of it once."""
        if self.rows:
            self._statements.tell.run_for_each(connection, self.rows)


def _is_up(program: AnyProgram, entry: Entry) -> bool:
    ladder: TierLadder | None = program.version(entry.at).ladders.get(entry.data["ladder"])
    return ladder is not None and ladder.index(_tier(entry)) > ladder.index(entry.data.get("was", ""))


def _tier(entry: Entry) -> str:
    """The tier that an entry says the member is in; one that was granted is a floor."""
    tier: str = entry.data.get("tier") or entry.data.get("floor", "")
    return tier


# Delivering -----------------------------------------------------------------------------------------------------------


def lock(connection: sa.Connection, tables: Tables) -> None:
    """Let nobody else number events, or drop them, as long as the transaction lasts."""
    connection.execute(sa.select(tables.versions).with_for_update())


def number(connection: sa.Connection, tables: Tables) -> None:
    """Give their numbers to the events that nobody has read yet."""
    events, versions = tables.events, tables.versions
    waiting = sa.select(events.c.row).where(events.c.number.is_(None)).order_by(events.c.at, events.c.row)
    rows = list(connection.execute(waiting).scalars())
    if rows:
        last = connection.execute(sa.select(versions.c.numbered)).scalar_one()
        put = sa.update(events).where(events.c.row == sa.bindparam("of")).values(number=sa.bindparam("is"))
        connection.execute(put, [{"of": row, "is": n} for n, row in enumerate(rows, start=last + 1)])
        connection.execute(sa.update(versions).values(numbered=last + len(rows)))


def read(connection: sa.Connection, tables: Tables, after: int, limit: int) -> tuple[Event, ...]:
    """The events past that number."""
    events = tables.events
    asked = sa.select(events).where(events.c.number > after).order_by(events.c.number).limit(limit)
    return tuple(
        Event(row.number, row.account, row.kind, row.at, FrozenMap(json.loads(row.data)))
        for row in connection.execute(asked)
    )


def drop(connection: sa.Connection, tables: Tables, upto: int) -> int:
    """Drop the events up to and with that number, but for warnings that are still to come true."""
    events, accounts = tables.events, tables.accounts
    theirs = accounts.c.member == events.c.account
    posted = sa.select(accounts.c.posted).where(theirs).scalar_subquery()
    gone = (events.c.number <= upto) & (events.c.until.is_(None) | (events.c.until <= posted))
    last = sa.select(sa.func.max(events.c.seq)).where(theirs, events.c.number <= upto).scalar_subquery()
    put = sa.update(accounts).where(accounts.c.silent < last).values(silent=last)
    connection.execute(put)
    return connection.execute(sa.delete(events).where(gone)).rowcount
