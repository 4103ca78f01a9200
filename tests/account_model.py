"""A slow model of an account, to hold the real one against; it shares no code with the library.

A model is a list of calls. Whatever is asked of it is worked out from all of them again: plain dicts and lists, no
sorted structure that has to be kept up, points taken one by one. Dates are counted here as well, and the beginning of
a day is looked for minute by minute. What the rules of expiry and waiting mean is said in `EXPIRY` and `WAIT`, by name.

The program that is modelled has the unit "stars" (a point for each whole unit of money) and "status" (the same for
lines of category "status", which cannot be spent), an option to give away any number of stars, and a coffee for 30 of
them, twice a month.
"""

from calendar import monthrange
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

FOREVER = datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)

COFFEE, COFFEES_A_MONTH = 30, 2


# Civil time ---------------------------------------------------------------------------------------------------------


def civil(instant, zone):
    """The civil date of an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


@cache
def first_moment(day, zone):
    """The first instant of that civil day, or of the next one that there is: looked for, not computed."""
    instant = datetime.combine(day, time(), UTC) - 2 * DAY
    while civil(instant, zone) < day:
        instant += timedelta(minutes=15)
    return instant


@cache
def months_later(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@cache
def end_of_month(day):
    return day.replace(day=monthrange(day.year, day.month)[1])


@cache
def end_of_quarter(day, more=0):
    last_month = (day.month + 2) // 3 * 3
    return end_of_month(months_later(date(day.year, last_month, 1), 3 * more))


# What the rules mean: a lot's last day, or a moment at which it is over; when points that wait are there -------------

EXPIRY = {
    "never": lambda lot, _: None,
    "days": lambda lot, _: lot["day"] + 3 * DAY,
    "month": lambda lot, _: months_later(lot["day"], 1),
    "year": lambda lot, _: months_later(lot["day"], 12),
    "month end": lambda lot, _: end_of_month(months_later(lot["day"], 1)),
    "quarter": lambda lot, _: end_of_quarter(lot["day"]),
    "either": lambda lot, _: min(lot["day"] + 40 * DAY, end_of_quarter(lot["day"], 1)),
    "both": lambda lot, _: max(lot["day"] + 20 * DAY, end_of_month(lot["day"])),
    "hours": lambda lot, _: lot["since"] + timedelta(hours=29),
    "quiet": lambda lot, last: max(lot["day"], last or lot["day"]) + 20 * DAY,
}

WAIT = {
    "": lambda at, zone: at,
    "days": lambda at, zone: first_moment(civil(at, zone) + 14 * DAY, zone),
    "month": lambda at, zone: first_moment(months_later(civil(at, zone), 1), zone),
    "hours": lambda at, zone: at + timedelta(hours=30),
    "told": lambda at, zone: None,
}


ORDER = {
    "soonest": lambda lot, end: (end, lot["earned"]),
    "oldest": lambda lot, end: lot["earned"],
    "newest": lambda lot, end: -lot["earned"].toordinal(),
}


# The state, and what a call does to it ------------------------------------------------------------------------------


class Refused(Exception):
    """A call that is not possible; the message is the reason in one or two words."""


class State:
    """An account at one moment."""

    def __init__(self, zone, at_most, order):
        self.zone = zone
        self.at_most = at_most
        self.order = ORDER[order]
        self.posted = None
        self.lots = {}
        self.owed = Counter()
        self.flows = {"stars": Counter(), "status": Counter()}
        self.seen = {}
        self.holds = {}
        self.spent = {}
        self.coffees = Counter()
        self.last = None

    # Lots

    def new_lot(self, unit, points, expiry, at, earned):
        number = len(self.lots) + 1
        self.lots[number] = {
            "id": number, "unit": unit, "left": points, "held": 0, "lapsed": 0, "earned": earned, "expiry": expiry,
            "ready": False, "since": None, "day": None, "wait": None, "until": None,
        }  # fmt: skip
        if at is not None:
            self.make_ready(self.lots[number], at)
        return number

    def make_ready(self, lot, at):
        lot.update(ready=True, since=at, day=civil(at, self.zone))

    def last_day(self, lot):
        """The last day of a lot, or the moment at which it is over."""
        if lot["until"] is not None:
            return lot["until"]
        return EXPIRY[lot["expiry"]](lot, self.last) if lot["ready"] else None

    def end(self, lot):
        day = self.last_day(lot)
        if day is None:
            return FOREVER
        return day if isinstance(day, datetime) else first_moment(day + DAY, self.zone)

    def ready(self, unit):
        """The lots that can be spent, in the order in which they are."""
        there = [lot for lot in self.lots.values() if lot["unit"] == unit and lot["ready"] and lot["left"]]
        return sorted(there, key=lambda lot: (self.order(lot, self.end(lot)), lot["id"]))

    def waiting(self, unit):
        return [lot for lot in self.lots.values() if lot["unit"] == unit and not lot["ready"] and lot["left"]]

    def available(self, unit):
        return sum(lot["left"] for lot in self.ready(unit))

    def pending(self, unit):
        return sum(lot["left"] for lot in self.waiting(unit))

    def held(self, unit):
        return sum(lot["held"] for lot in self.lots.values() if lot["unit"] == unit)

    def spendable(self, unit):
        return max(0, self.available(unit) - self.owed[unit])

    # Points go one by one

    def take(self, unit, points, lots=None):
        """The lots that so many points come from, one entry a point; as many as there are."""
        taken = []
        for lot in self.ready(unit) if lots is None else lots:
            while lot["left"] and len(taken) < points:
                lot["left"] -= 1
                taken.append(lot["id"])
        return taken

    def put_back(self, taken):
        for number in taken:
            self.lots[number]["left"] += 1

    def repay(self, unit):
        paid = self.take(unit, min(self.owed[unit], self.available(unit)))
        self.owed[unit] -= len(paid)
        self.flows[unit]["repaid"] += len(paid)

    # Time

    def run(self, to):
        """What falls due up to and with an instant, in the order it does: holds, then what waits, then what lapses."""
        while due := min(self.due(), default=None):
            when, kind, subject = due
            if when > to:
                return
            now = when if self.posted is None else max(when, self.posted)
            if kind == 0:
                self.let_go(self.holds[subject])
            elif kind == 1:
                self.make_ready(self.lots[subject], now)
                self.repay(self.lots[subject]["unit"])
            else:
                lot = self.lots[subject]
                self.flows[lot["unit"]]["lapsed"] += lot["left"]
                lot["lapsed"] += lot["left"]
                lot["left"] = 0
            self.posted = now

    def due(self):
        for name, hold in self.holds.items():
            if hold["open"]:
                yield hold["until"], 0, name
        for number, lot in self.lots.items():
            if lot["left"] and not lot["ready"] and lot["wait"] is not None:
                yield lot["wait"], 1, number
            if lot["left"] and lot["ready"] and self.end(lot) < FOREVER:
                yield self.end(lot), 2, number

    def let_go(self, hold):
        """A hold gives back all it has."""
        hold["open"] = False
        for number in hold["taken"]:
            self.lots[number]["held"] -= 1
        self.put_back(hold["taken"])
        self.repay("stars")
        self.coffees[hold["month"]] -= 1

    # Calls

    def do(self, call):
        """Do a call, or raise `Refused`."""
        self.run(call["posted"])
        if call["verb"] == "advance":
            return
        getattr(self, f"do_{call['verb']}")(call)
        self.posted = call["posted"]

    def do_earn(self, call):
        at, posted, zone = call["at"], call["posted"], self.zone
        self.last = max(self.last or date.min, civil(at, zone))
        amounts = {
            "stars": [amount for amount, _ in call["lines"]],
            "status": [amount if category == "status" else Fraction(0) for amount, category in call["lines"]],
        }
        seen = {"amounts": amounts["stars"], "refunded": Fraction(0), "gone": set(), "units": {}}
        for unit, of_lines in amounts.items():
            points = sum(of_lines) // 1
            parts = split(points, of_lines)
            if unit == "stars" and points > self.room():
                points = self.room()
                parts = split(points, parts)
            if not points and unit == "status":
                continue
            lot = None
            if points:
                wait = WAIT[call["wait"]](at, zone) if unit == "stars" else at
                expiry = call["expiry"] if unit == "stars" else "quarter"
                is_there = wait is not None and wait <= posted
                lot = self.new_lot(unit, points, expiry, posted if is_there else None, civil(at, zone))
                self.lots[lot]["wait"] = wait
            seen["units"][unit] = {"points": points, "lot": lot, "back": 0, "parts": parts}
            self.flows[unit]["earned"] += points
            if points and self.lots[lot]["ready"]:
                self.repay(unit)
        self.seen[call["id"]] = seen

    def room(self):
        """How many stars the balance can still take."""
        return max(0, self.at_most - self.available("stars") - self.pending("stars") - self.held("stars"))

    def do_activate(self, call):
        for share in self.find(self.seen, call["of"])["units"].values():
            lot = self.lots.get(share["lot"])
            if lot and not lot["ready"] and lot["left"]:
                self.make_ready(lot, call["at"])
                self.repay(lot["unit"])

    def do_reverse(self, call):
        seen = self.find(self.seen, call["of"])
        dues = self.dues(seen, call)
        plans = {unit: self.take_back(unit, seen["units"][unit]["lot"], due) for unit, due in dues.items()}
        if call["on_shortfall"] == "refuse" and any(len(plans[unit]) < due for unit, due in dues.items()):
            raise Refused("spent")
        for unit, due in dues.items():
            short = due - len(plans[unit]) if call["on_shortfall"] == "owe" else 0
            seen["units"][unit]["back"] += due
            self.flows[unit]["reversed"] += len(plans[unit]) + short
            self.owed[unit] += short

    def dues(self, seen, call):
        """The points due back, by unit; what is refunded altogether is remembered."""
        if "points" in call:
            units = [unit for unit, share in seen["units"].items() if share["points"]]
            if len(units) != 1:
                raise Refused("several units")
            share = seen["units"][units[0]]
            if call["points"] > share["points"] - share["back"]:
                raise Refused("too much")
            return {units[0]: call["points"]}
        gone, refunded = set(seen["gone"]), seen["refunded"]
        left = sum(a for i, a in enumerate(seen["amounts"]) if i not in gone)
        if "lines" in call:
            if gone & set(call["lines"]) or max(call["lines"]) >= len(seen["amounts"]):
                raise Refused("no such line")
            gone |= set(call["lines"])
            left = sum(a for i, a in enumerate(seen["amounts"]) if i not in gone)
            if refunded > left:
                raise Refused("too much")
        elif "amount" in call:
            refunded += call["amount"]
            if refunded > left:
                raise Refused("too much")
        else:
            refunded = left
        dues = {}
        for unit, share in seen["units"].items():
            returned = sum(share["parts"][i] for i in gone)
            rest = share["points"] - returned
            due = returned + (rest if refunded >= left else rest * refunded / left // 1)
            dues[unit] = max(0, due - share["back"])
        seen["gone"], seen["refunded"] = gone, refunded
        return dues

    def take_back(self, unit, own, due):
        """The activity's own points, then those that wait, then those that would be spent next."""
        lots = [self.lots[own]] if own else []
        lots += [lot for lot in self.waiting(unit) if lot not in lots]
        lots += [lot for lot in self.ready(unit) if lot not in lots]
        return self.take(unit, due, lots)

    def do_redeem(self, call):
        self.spent[call["id"]] = {"taken": self.price(call), "month": self.count(call)}

    def do_hold(self, call):
        if call["ends"] <= call["posted"]:
            raise Refused("over")
        taken = self.price(call)
        for number in taken:
            self.lots[number]["held"] += 1
        self.flows["stars"]["spent"] -= len(taken)
        self.holds[call["id"]] = {"taken": taken, "month": self.count(call), "until": call["ends"], "open": True}

    def price(self, call):
        points = COFFEE if call["reward"] == "coffee" else call["points"]
        month = civil(call["at"], self.zone).replace(day=1)
        if call["reward"] == "coffee" and self.coffees[month] >= COFFEES_A_MONTH:
            raise Refused("limit_reached")
        if points > self.spendable("stars"):
            raise Refused("insufficient_points")
        self.flows["stars"]["spent"] += points
        taken = self.take("stars", points)  # in the order that was shown before, which what follows may change
        self.last = max(self.last or date.min, civil(call["at"], self.zone))
        return taken

    def count(self, call):
        """The month that a coffee counts in; what is not limited counts nowhere that is looked at."""
        month = civil(call["at"], self.zone).replace(day=1) if call["reward"] == "coffee" else None
        self.coffees[month] += 1
        return month

    def do_capture(self, call):
        hold = self.find(self.holds, call["of"])
        if not hold["open"]:
            raise Refused("resolved")
        points = call.get("points", len(hold["taken"]))
        if points > len(hold["taken"]):
            raise Refused("too much")
        hold["open"] = False
        for number in hold["taken"]:
            self.lots[number]["held"] -= 1
        self.flows["stars"]["spent"] += points
        self.put_back(hold["taken"][points:])
        if points < len(hold["taken"]):
            self.repay("stars")
        both = {"taken": hold["taken"][:points], "month": hold["month"]}
        self.spent[call["id"]] = self.spent[call["of"]] = both

    def do_release(self, call):
        hold = self.find(self.holds, call["of"])
        if not hold["open"]:
            raise Refused("resolved")
        self.let_go(hold)

    def do_cancel(self, call):
        spent = self.find(self.spent, call["of"])
        points = call.get("points", len(spent["taken"]))
        if not 0 < points <= len(spent["taken"]):
            raise Refused("too much")
        kept = len(spent["taken"]) - points
        self.put_back(spent["taken"][kept:])
        del spent["taken"][kept:]
        self.flows["stars"]["spent"] -= points
        self.repay("stars")
        if not kept:
            self.coffees[spent["month"]] -= 1

    def do_adjust(self, call):
        points = call["points"]
        if points > 0:
            self.new_lot("stars", points, "never", call["at"], civil(call["at"], self.zone))
            self.flows["stars"]["adjusted_up"] += points
            self.repay("stars")
            return
        if -points > self.spendable("stars"):
            raise Refused("too much")
        self.take("stars", -points)
        self.flows["stars"]["adjusted_down"] += -points

    def do_extend(self, call):
        lot = self.find(self.lots, call["of"])
        if first_moment(call["until"] + DAY, self.zone) <= call["posted"]:
            raise Refused("over")
        lot["until"] = call["until"]
        self.flows[lot["unit"]]["reinstated"] += lot["lapsed"]
        lot["left"] += lot["lapsed"]
        if lot["lapsed"]:
            lot["lapsed"] = 0
            self.repay(lot["unit"])

    @staticmethod
    def find(among, name):
        if name not in among:
            raise Refused("unknown")
        return among[name]

    # Answers

    def totals(self, unit):
        """Where the points are and what became of them, those that are 0 left out."""
        there = {name: getattr(self, name)(unit) for name in ("available", "pending", "held")}
        return {n: v for n, v in ({**there, "owed": self.owed[unit]} | self.flows[unit]).items() if v}

    def shown_lots(self, unit):
        """Points and last day of each lot: in the order of spending, then those that wait."""
        return [(lot["left"], _as_day(self.last_day(lot), self.zone)) for lot in self.ready(unit)] + [
            (lot["left"], lot["until"]) for lot in self.waiting(unit)
        ]


def _as_day(day, zone):
    """The last day, of one that is a moment at which it is over."""
    return civil(day - timedelta(microseconds=1), zone) if isinstance(day, datetime) else day


def split(points, weights):
    """Points in proportion to the weights: whole shares first, then one more to the largest remainders."""
    if not points:
        return [0] * len(weights)
    exact = [Fraction(points * weight) / sum(weights) for weight in weights]
    parts = [share // 1 for share in exact]
    while sum(parts) < points:
        furthest = max(range(len(parts)), key=lambda i: (exact[i] - parts[i], -i))
        parts[furthest] += 1
    return parts


# The account --------------------------------------------------------------------------------------------------------


class SlowAccount:
    """All calls that were accepted; everything else is worked out."""

    def __init__(self, *settings):
        self.settings = settings
        self.calls = []
        self.worked_out = {}

    def state(self, at, known=FOREVER):
        """The account at a moment, by what was known at another; not to be changed."""
        asked = len(self.calls), at, known
        if asked not in self.worked_out:
            self.worked_out[asked] = self.work_out(at, known)
        return self.worked_out[asked]

    def posted(self):
        """When the account learnt the last thing, `None` if nothing."""
        return self.state(self.calls[-1]["posted"]).posted if self.calls else None

    def work_out(self, at, known):
        state = State(*self.settings)
        for call in self.calls:
            if call["posted"] > min(at, known):
                break
            state.do(call)
        state.run(at)
        return state

    def refuses(self, call):
        """Do a call; say why, and forget it, where it is not possible."""
        self.calls.append(call)
        try:
            self.state(call["posted"])
        except Refused as refused:
            self.calls.pop()
            return str(refused)
        self.worked_out = {key: state for key, state in self.worked_out.items() if key[0] == len(self.calls)}
        return None
