"""Bugs to plant, one at a time: the state machine over accounts must catch each of them.

They are the mistakes that ledgers of points are known to be made with, and three rare ones that only a long history
with several holds can show. `run.py` plants them; `tests/test_mutants.py` sees to it that they still fit the sources.
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
        "if due is None or due[0] >= to:",
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
        'return (lot.expires_on or FAR, getattr(lot, "ends", None) or _LAST, lot.earned)',
        'return (lot.expires_on or date.min, getattr(lot, "ends", None) or _LAST, lot.earned)',
    ),
    Patch(
        "put back wrong lot",
        "ledger.py",
        "back.append((number, now))",
        "back.append((lots[0][0], now))",
    ),
    Patch(
        "reverse forgets spent",
        "ledger.py",
        'entry.points if entry.kind != "cancelled" else -entry.points',
        'entry.points if entry.kind != "cancelled" else 0',
    ),
    Patch(
        "reverse not idempotent",
        "ledger.py",
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
        "        if False:\n            entries.append(ledger.release(hold, id,",
    ),
    Patch(
        "capture from tail",
        "spending.py",
        "back = from_end(hold.lots, 0, rest)",
        "back = from_end(hold.lots[::-1], 0, rest)",
    ),
    Patch(
        "rare: wrong expired total late, with holds open",
        "ledger.py",
        'entry.points if entry.kind != "cancelled" else -entry.points',
        'entry.points * (-1 if entry.kind == "cancelled" else 1)'
        ' + (entry.kind == "lapsed" and entry.seq > 30 and book.held > 0)',
    ),
    Patch(
        "double earn on retry",
        "earnings.py",
        'done = self._again(activity.id, "earn", activity=activity)',
        'done = self._again(activity.id, "earn", activity=activity) and None',
    ),
    Patch(
        "rare: 5th lot of one hold lost",
        "ledger.py",
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
]
