"""How values look in a notebook, where that is more than one table: as HTML, all of it escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any, Final, TypeAlias

from loyaltycore._english import day
from loyaltycore._exact import show
from loyaltycore._expressions import laid_out
from loyaltycore._show import code_of, html_table, points
from loyaltycore._strategy import Stored, Strategy
from loyaltycore.account import Account
from loyaltycore.activity import Activity
from loyaltycore.entries import Entry, Receipt
from loyaltycore.explaining import explain
from loyaltycore.history import ProgramHistory
from loyaltycore.program import Program
from loyaltycore.statement import reason_of

LOTS: Final = 10
"""Lots of an account that are shown: those spent first."""

ENTRIES: Final = 10
"""Entries of an account that are shown: the last."""

Row: TypeAlias = tuple[str, str, object]
"""What of a program, the name of an argument of it, and its value."""


def strategy_html(rule: Strategy) -> str:
    """A rule, or another part of a program: the code that builds it, and what it means."""
    return f"{_code(rule)}<p>{escape(explain(rule))}</p>"


def program_html(program: Program) -> str:
    """A program: its units, tiers and rewards as code, and all of it in words, which unfold."""
    rows: list[Row] = []
    for name, unit in program.points.items():
        rows += _arguments(name, unit, ["earning"])
    for name, ladder in program.ladders.items():
        rows += _arguments(name, ladder, ["tier"] * len(ladder.tiers))
    rows += [("" if i else "rewards", name, option) for i, (name, option) in enumerate(program.rewards.items())]
    return (
        f"<h4>{escape(program.name)}</h4><p>{escape(program.currency)}, {escape(program.timezone)}</p>"
        f"<table><tbody>{''.join(map(_row, rows))}</tbody></table>"
        f"<details><summary>In words</summary><pre>{escape(explain(program))}</pre></details>"
    )


def history_html(history: ProgramHistory) -> str:
    """The versions of a program, one after the other."""
    pages = []
    for version in history.versions:
        since, program = (None, version) if isinstance(version, Program) else version
        title = "The first version" if since is None else f"From {day(since)} on"
        pages.append(f"<h3>{title}</h3>{program_html(program)}")
    return "".join(pages)


def activity_html(activity: Activity) -> str:
    """An activity: what it is, and a row for each line."""
    who = [activity.id, f"{activity.kind} of {activity.member}" if activity.member else activity.kind]
    title = ", ".join([*filter(None, who), activity.at.isoformat(" ", "minutes"), *_told(activity.facts)])
    rows = [
        (line.category or line.sku, show(line.quantity), show(line.amount), ", ".join(_told(line.facts)))
        for line in activity.lines
    ]
    return html_table(("line", "quantity", "amount", "facts"), rows, title)


def receipt_html(receipt: Receipt) -> str:
    """What an activity brought: the award of each unit, and what followed from it."""
    awards = (f"<p><b>{escape(unit)}</b></p>{award._repr_html_()}" for unit, award in receipt.awards.items())
    return "".join([*awards, *(f"<p>then {escape(told)}</p>" for told in receipt._followed())])


def account_html(account: Account) -> str:
    """An account as of its last entry: what there is, the lots that are spent first, the last entries."""
    ledger, terms = account._ledger, account._terms
    title = f"<h4>{escape(terms.name)}: {escape(account.id)}</h4>"
    at = ledger.posted
    if at is None:
        return f"{title}<p>no entries yet</p>"
    places = {unit: points_of.places for unit, points_of in terms.version(at).points.items()}
    tiers = [account.tier(at=at, ladder=name) or "no tier" for name in terms.ladder_names]
    as_of = f"<p>{escape(', '.join([f'as of {account._shown(at)}', *tiers]))}</p>"
    lots = [
        (str(lot.id), _amount(lot.points, unit, places), lot.earned, lot.available or "", lot.expires_on or "")
        for unit in places
        for lot in account.lots(unit, at=at)
    ]
    entries = [
        (f"{ledger.day(entry.at)}  {_happened(entry)}", _amount(entry.points, entry.unit, places))
        for entry in account.entries[-ENTRIES:]
    ]
    return "".join([
        *(title, as_of, _sums(account, at, places)),
        html_table(("lot", "points", "earned", "available", "last day"), lots[:LOTS], _of(LOTS, lots, "first")),
        html_table(("what happened", "points"), entries, _of(ENTRIES, account.entries, "last")),
    ])  # fmt: skip


def _sums(account: Account, at: datetime, places: Mapping[str, int]) -> str:
    """Points by where they are, a row for each unit."""
    where = ("available", "pending", "held", "owed")
    totals = {unit: account.totals(unit, at=at) for unit in places}
    return html_table(
        ("unit", *where), [(unit, *(points(totals[unit][w], places[unit]) for w in where)) for unit in places]
    )


def _of(most: int, rows: Iterable[Any], which: str) -> str:
    """A caption that says how many rows are shown, where they are not all."""
    count = len(tuple(rows))
    return f"the {which} {most} of {count:,}" if count > most else ""


def _happened(entry: Entry) -> str:
    reason = reason_of(entry)
    return f"{entry.kind}: {reason}" if reason else entry.kind


def _amount(count: int, unit: str, places: Mapping[str, int]) -> str:
    return f"{points(count, places.get(unit, 0))} {unit}" if unit else ""


def _told(facts: Mapping[str, object]) -> list[str]:
    return [f"{name}: {value}" for name, value in facts.items()]


def _arguments(name: str, value: Stored, positional: list[str]) -> list[Row]:
    """The arguments of a value as rows, the first of which has its name."""
    args, keywords = value._arguments()
    named = [*zip(positional, args, strict=True), *keywords.items()]
    return [("" if i else name, *pair) for i, pair in enumerate(named)]


def _row(row: Row) -> str:
    what, name, value = row
    left = 'style="text-align:left;vertical-align:top"'
    return f"<tr><th {left}>{escape(what)}</th><td {left}>{escape(name)}</td><td {left}>{_code(value)}</td></tr>"


def _code(value: object) -> str:
    style = "margin:0;background:none;font-family:monospace;white-space:pre-wrap"
    return f'<pre style="{style}">{escape(laid_out(code_of(value).text))}</pre>'
