"""Seeded bugs: small changes to the library that tests must notice.

Each is a name and its edits: a file in `src/loyaltycore`, what stands there once, and what the bug makes of it.
`run.py` tries them all; `test_mutants.py` sees to it that they still fit the source.
"""

MUTANTS = {
    # Boundaries
    "a lot is good at its end, too (> for >=)": [
        ("ledger.py", "            if due is None or due[0] > to:", "            if due is None or due[0] >= to:"),
    ],
    "only the sweep is late by a tick (<= for <)": [
        (
            "ledger.py",
            "            if due is None or due[0] > to:",
            "            if due is None or due[0] > to or (due[1] == LAPSE and due[0] == to):",
        ),
    ],
    "waiting points come a tick late": [
        ("earnings.py", "until is not None and until <= posted", "until is not None and until < posted"),
    ],
    "a hold lasts a tick longer": [
        (
            "ledger.py",
            "            best = (self.by_timeout[0][0], RELEASE,",
            "            best = (self.by_timeout[0][0] + timedelta.resolution, RELEASE,",
        ),
    ],
    "the last day ends a day early": [
        ("ledger.py", "first_moment(day + timedelta(1), where)", "first_moment(day, where)"),
    ],
    "midnight is always the first moment": [
        (
            "_calendar.py",
            "    return datetime.combine(day, time.min, where).astimezone(UTC)",
            "    offset = datetime.combine(day, time(12), where).utcoffset() or timedelta()\n"
            "    return datetime.combine(day, time.min, UTC) - offset",
        ),
    ],
    # The order of spending
    "last to expire goes first": [
        (
            "lots.py",
            "        return (lot.expires_on or FAR, getattr",
            "        return (-(lot.expires_on or FAR).toordinal(), getattr",
        ),
    ],
    "never-expiring points go first": [
        ("lots.py", "(lot.expires_on or FAR, getattr(", "(lot.expires_on or date.min, getattr("),
    ],
    "lots that end on one day go by when they were earned": [
        ("lots.py", 'getattr(lot, "ends", None) or _LAST, lot.earned)', "lot.earned)"),
    ],
    "a heap keeps the place of a lot whose end has moved": [
        ("books.py", "            if item[0] == lot.key and lot.id not in passed:", "            if lot.id not in passed:"),
    ],
    # Taking and giving back
    "what is cancelled goes back to the wrong lot": [
        (
            "spending.py",
            "        lots = tuple(from_end(taken.lots, taken.back, back))",
            "        lots = tuple(from_end(taken.lots[::-1], taken.back, back))",
        ),
    ],
    "a partial capture loses the rest": [
        ("spending.py", "        if rest:\n            entries.append(", "        if rest < 0:\n            entries.append("),
    ],
    "a capture takes from the tail": [
        (
            "spending.py",
            "        back = from_end(hold.lots, 0, rest)",
            "        back = from_end(hold.lots[::-1], 0, rest)",
        ),
    ],
    "a reversal forgets what was spent": [
        (
            "earnings.py",
            '            owed = due - taken if on_shortfall == "owe" else 0',
            "            owed = 0",
        ),
    ],
    "a reversal can be had twice": [
        ("ledger.py", '        self.units[entry.unit].reversed += data["due"]', "        pass"),
    ],
    "a hold can be resolved twice": [
        ("spending.py", "        if not hold.open:\n", "        if not hold.open and not hold.points:\n"),
    ],
    "released points are not repaid first": [
        ("ledger.py", "            self.repay(hold.entry.unit, at, at)\n", ""),
    ],
    "reinstated points stay lapsed": [
        ("ledger.py", "            self.lots[number].lapsed -= points\n", "            pass\n"),
    ],
    "a cancelled coffee still counts": [
        ("ledger.py", "            taken.open = False\n            self._count(", "            taken.open = False\n            ("),
    ],
    # Calls
    "a conflict is accepted": [
        ("desk.py", "                raise Conflict(_conflict(", "                (_conflict("),
    ],
    "a retry earns again": [
        ("earnings.py", '        done = self._again(activity.id, "earn", activity=activity)\n', "        done = None\n"),
    ],
    "a refused call leaves what fell due": [
        ("ledger.py", "        del ledger.entries[self.length :]\n", ""),
    ],
    "a question forgets to take back its holds": [
        ("ledger.py", "                hold.open = True\n", "                pass\n"),
    ],
    "what was known is what is known": [
        ("account.py", "        limit = min(limit, at)\n", "        limit = at\n"),
    ],
    "posted runs backwards": [
        (
            "desk.py",
            "        return learnt if last is None or learnt > last else last",
            "        return learnt",
        ),
    ],
    "a snapshot forgets what was held": [
        ("ledger.py", "        book.held += lot.held\n", ""),
    ],
    # Rare
    "rare: a wrong total of what lapsed, late and with holds open": [
        (
            "ledger.py",
            '            self.write("lapsed", "", at, at, unit, lot.points, ((lot.id',
            "            odd = len(self.entries) > 30 and any(hold.open for hold in self.holds.values())\n"
            '            self.write("lapsed", "", at, at, unit, lot.points + odd, ((lot.id',
        ),
    ],
    "rare: the fifth lot of a hold is lost": [
        (
            "ledger.py",
            "        self.holds[entry.id] = Taken(entry, entry.lots, until)",
            "        self.holds[entry.id] = Taken(entry, entry.lots[:4], until)",
        ),
    ],
    "rare: nothing lapses while three holds and two redemptions are open": [
        (
            "ledger.py",
            "            if due is None or due[0] > to:",
            "            holds = sum(hold.open for hold in self.holds.values())\n"
            '            spent = sum(e.kind == "spent" for e in self.entries)\n'
            "            if due is None or due[0] > to or (due[1] == LAPSE and holds >= 3 and spent >= 2):",
        ),
    ],
}
