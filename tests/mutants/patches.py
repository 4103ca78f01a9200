"""Bugs to plant, one at a time: the state machines over accounts and their tiers must catch each of them.

First the fourteen that ledgers of points are usually tried with, then what could go wrong in this one in particular,
and in its tiers.
`run.py` plants them; `tests/test_mutants.py` sees to it that they still fit the sources.
"""

from typing import NamedTuple


class Patch(NamedTuple):
    """A bug: in a file of the package, *old* (which is there once) becomes *new*."""

    name: str
    file: str
    old: str
    new: str


PATCHES = [
    Patch(
        "> vs >= in available",
        "redemption.py",
        "if there >= quote.points:",
        "if there > quote.points:",
    ),
    Patch(
        "<= vs < in the sweep",
        "ledger.py",
        "if due is None or due[0] > to:",
        "if due is None or due[0] > to or (due[1] == LAPSE and due[0] == to):",
    ),
    Patch(
        "LIFO by expiry",
        "lots.py",
        'return (lot.expires_on or FAR, getattr(lot, "ends", None) or _LAST, lot.earned)',
        "return (-(lot.expires_on or FAR).toordinal(), lot.earned)",
    ),
    Patch(
        "never-expiring first",
        "lots.py",
        "return (lot.expires_on or FAR, getattr(",
        "return (lot.expires_on or date.min, getattr(",
    ),
    Patch(
        "put back wrong lot",
        "records.py",
        "back.append((number, now))",
        "back.append((lots[0][0], now))",
    ),
    Patch(
        "reverse forgets spent",
        "ledger_state.py",
        'return names[0], -1 if entry.kind == "cancelled" else 1',
        'return names[0], 0 if entry.kind == "cancelled" else 1',
    ),
    Patch(
        "reverse not idempotent",
        "ledger_fold.py",
        "taken.back += entry.points",
        "pass",
    ),
    Patch(
        "key conflict accepted",
        "desk.py",
        "raise Conflict(_conflict(id, name, before.get(name), said))",
        "return self._result(id, first)",
    ),
    Patch(
        "partial capture loses rest",
        "spending.py",
        "        if rest:\n            entries.append(ledger.release(hold, id,",
        "        if rest < 0:\n            entries.append(ledger.release(hold, id,",
    ),
    Patch(
        "capture from tail",
        "spending.py",
        "back = from_end(hold.lots, 0, rest)",
        "back = from_end(hold.lots[::-1], 0, rest)",
    ),
    Patch(
        "rare: wrong expired total late, with holds open",
        "ledger_state.py",
        "total[name] += sign * abs(entry.points)",
        'total[name] += sign * abs(entry.points) + (entry.kind == "lapsed" and entry.seq > 30 and book.held > 0)',
    ),
    Patch(
        "double earn on retry",
        "earnings.py",
        "            return done\n        posted_at =",
        "            pass\n        posted_at =",
    ),
    Patch(
        "rare: 5th lot of one hold lost",
        "ledger_fold.py",
        "Taken(entry, entry.lots, until)",
        "Taken(entry, entry.lots[:4], until)",
    ),
    Patch(
        "rare: sweep skipped when >=3 holds and >=2 redemptions open",
        "ledger.py",
        "            if due is None or due[0] > to:",
        "            holds = sum(hold.open for hold in self.holds.values())\n"
        '            spent = sum(entry.kind == "spent" and self.taken(entry.id).open for entry in self.entries)\n'
        "            if due is None or due[0] > to or (due[1] == LAPSE and holds >= 3 and spent >= 2):",
    ),
    # Dates
    Patch(
        "a hold lasts a tick longer",
        "ledger.py",
        "best = (self.by_timeout[0][0], RELEASE,",
        "best = (self.by_timeout[0][0] + datetime.resolution, RELEASE,",
    ),
    Patch(
        "the last day of a lot is over before it begins",
        "instants.py",
        "first_moment(day + timedelta(1), where)",
        "first_moment(day, where)",
    ),
    Patch(
        "every day begins at midnight",
        "_calendar.py",
        "    return in_utc(datetime.combine(day, time.min, where))",
        "    offset = datetime.combine(day, time(12), where).utcoffset() or timedelta()\n"
        "    return datetime.combine(day, time.min, UTC) - offset",
    ),
    # The order of spending
    Patch(
        "the hour at which a lot ends does not count",
        "lots.py",
        'getattr(lot, "ends", None) or _LAST, lot.earned)',
        "lot.earned)",
    ),
    Patch(
        "a lot whose end has moved keeps its place",
        "books.py",
        "if lot is not None and item[0] == lot.key and lot.id not in passed:",
        "if lot is not None and lot.id not in passed:",
    ),
    # Giving back
    Patch(
        "a debt is forgotten at once",
        "earnings.py",
        'owed = due - taken if on_shortfall == "owe" else 0',
        "owed = 0",
    ),
    Patch(
        "an activity can be reversed twice",
        "records.py",
        'self.units[entry.unit].reversed += data["due"]',
        "pass",
    ),
    Patch(
        "a hold can be resolved twice",
        "spending.py",
        "if not hold.open:\n            end",
        "if not hold.open and not hold.points:\n            end",
    ),
    Patch(
        "points from a hold that timed out do not pay debts",
        "ledger.py",
        "            self.repay(hold.entry.unit, at, at)\n",
        "",
    ),
    Patch(
        "points that were brought back can be brought back again",
        "ledger_fold.py",
        "self.lots[number].lapsed -= points",
        "pass",
    ),
    Patch(
        "a coffee that was cancelled still counts in its month",
        "ledger_fold.py",
        'self._count(taken.entry.data.get("counts", EMPTY), -1)',
        "pass",
    ),
    # Questions, times, snapshots
    Patch(
        "a question leaves what fell due",
        "ledger.py",
        "        del ledger.entries[self.length :]\n",
        "",
    ),
    Patch(
        "a question about later closes holds",
        "ledger_fold.py",
        "                hold.open = True\n",
        "                pass\n",
    ),
    Patch(
        "what was known then is what is known now",
        "account.py",
        "self._posted_upto(min(limit, at))",
        "self._posted_upto(at)",
    ),
    Patch(
        "the account learns of things in the past",
        "desk.py",
        "return learnt if last is None or learnt >= last else last",
        "return learnt",
    ),
    Patch(
        "a snapshot forgets what is held",
        "ledger_fold.py",
        "        book.held += lot.held\n",
        "",
    ),
    # Tiers
    Patch(
        "what is just enough is not enough",
        "tiers.py",
        "return self.have >= self.need",
        "return self.have > self.need",
    ),
    Patch(
        "a tier is kept a day less",
        "standings.py",
        "return ladder.keeps_of(tier).falls_on(subject, self.ledger.member())",
        "day = ladder.keeps_of(tier).falls_on(subject, self.ledger.member())\n"
        "        return day and day - 24 * 3600 * 10**6 * TICK",
    ),
    Patch(
        "a review looks at the day before",
        "standings.py",
        "as_of = due - TICK\n        if due in standing.ends()",
        "as_of = due - 24 * 3600 * 10**6 * TICK\n        if due in standing.ends()",
    ),
    Patch(
        "the last twelve months have one moment more",
        "counting.py",
        "return self.counting.back(self.as_of, period)",
        "return self.counting.back(self.as_of, period) - TICK",
    ),
    Patch(
        "what has reached a tier keeps it as well",
        "counting.py",
        "return max(begin, self.proof) if self.anew and self.proof is not None else begin",
        "return begin",
    ),
    Patch(
        "what is refunded still counts",
        "counting.py",
        'self.add(entry.unit, at, -entry.data["due"])',
        "pass",
    ),
    Patch(
        "what is learnt late counts when it is learnt",
        "counting.py",
        "not in entry.data:\n            self.add(entry.unit, entry.at,",
        "not in entry.data:\n            self.add(entry.unit, entry.posted,",
    ),
    Patch(
        "what was learnt late is forgotten by what comes at once",
        "standings.py",
        "= min(since, before.since), before.held,",
        "= since, before.held,",
    ),
    Patch(
        "a tier that is guaranteed goes when points are spent",
        "standings.py",
        'if place < 0 or held.until is not None or ladder.downgrade == "none":',
        'if place < 0 or ladder.downgrade == "none":',
    ),
    Patch(
        "what was granted is lost when more is reached",
        "held_tiers.py",
        'standing.history.append((at, entry.seq, data["earned"]))',
        'standing.history.append((at, entry.seq, data["earned"]))\n        standing.floors.clear()',
    ),
    Patch(
        "there is no grace",
        "standings.py",
        "elif place >= 0 and ladder.grace is not None and held.grace is None:",
        "elif place < 0:",
    ),
    Patch(
        "what one ladder deducts is deducted once for all levels",
        "standings.py",
        "view.deducted += tuple(",
        "view.deducted = standing.deducted + tuple(",
    ),
]
