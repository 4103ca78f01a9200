"""A slow model of tiers, to hold the real ones against; it shares no code with the library.

A model is a list of calls. Whatever is asked of it is worked out from all of them again: it walks from one moment at
which something is due to the next, and counts by going through the list of all that was ever counted. Programs are
plain tuples, so that they can be drawn: see `LADDER`.

The program that is modelled has the unit "stars" (a point for each unit of money, two in the tier "gold" of the first
ladder), which can be given away, and the unit "status" (a point as well), which may have to wait. Beside these, money
("spend"), "activities", the fact "nights" and stays of at least 50 ("stays") are counted.
"""

from datetime import UTC, date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from account_model import DAY, civil, end_of_month, first_moment, months_later

TICK = timedelta(microseconds=1)

LADDER = {
    "tiers": [{"name": "gold", "takes": ("reach", "status", 100, None)}],  # and perhaps "renewal", "deducts", "carry"
    "window": ("month", 1),
    "keeps": ("period", 1),
    "downgrade": "requalify",
    "grace": None,
    "starts": "at_once",
}
"""A ladder is such a mapping. What a tier takes is a count, `("all", a, b)`, `("any", a, b)` or `("invited",)`."""


# Windows and days -----------------------------------------------------------------------------------------------------


@cache
def period(window, day, joined):
    """The first day of the period that a day is in, and the first day after it."""
    starts = sorted(starts_around(window, day, joined))
    first = max(start for start in starts if start <= day)
    return first, min(start for start in starts if start > day)


def starts_around(window, day, joined):
    kind, start = window
    for more in (-2, -1, 0, 1, 2):
        if kind == "year":
            yield date(day.year + more, start, 1)
        elif kind == "joined":
            yield months_later(joined, 12 * (day.year + more - joined.year))
        else:
            month = months_later(day.replace(day=1), more)
            yield month.replace(day=min(start, end_of_month(month).day))


def has_periods(window):
    return window[0] in ("year", "joined", "month")


@cache
def earlier(at, months, days, zone):
    """The same time of day, so many months or days before."""
    then = at.astimezone(ZoneInfo(zone))
    day = months_later(then.date(), -months) - days * DAY
    return then.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)


# The state of a ladder ------------------------------------------------------------------------------------------------


class Standing:
    """Where the member stands in one ladder."""

    def __init__(self, ladder):
        self.ladder = ladder
        self.tiers = ladder["tiers"]
        self.names = [tier["name"] for tier in self.tiers]
        self.base = self.names[0] if self.tiers[0]["takes"] is None else ""
        self.keys = {leaf[1] for tier in self.tiers for q in (tier["takes"], tier.get("renewal")) for leaf in leaves(q)}
        self.tier, self.proof, self.until, self.grace = "", None, None, None
        self.changes = []
        self.floors = []
        self.deducted = []
        self.carried = {}
        self.to_close = None
        self.at_once = None

    def place(self, name):
        return self.names.index(name) if name in self.names else -1

    def held(self):
        return self.tier, self.proof, self.until, self.grace

    def hold(self, held):
        self.tier, self.proof, self.until, self.grace = held

    def change(self, now):
        self.changes.append((now, self.tier))

    def counted_tier(self, at, *, before=False):
        """The tier that counting had brought at a moment, or just before it."""
        tiers = [tier for when, tier in self.changes if when < at or (when == at and not before)]
        return tiers[-1] if tiers else ""

    def tier_at(self, at, *, before=False):
        found = [self.base, self.counted_tier(at, before=before)]
        for floor in self.floors:
            begun = floor["from"] < at or (floor["from"] == at and not before)
            found += [floor["tier"]] if begun and (not floor["end"] or at < floor["end"]) else []
        return max(found, key=self.place)

    def tenures(self, upto):
        """The tiers one after another, each with when it began, `None` for what always was."""
        whens = {when for when, _ in self.changes}
        whens |= {floor[edge] for floor in self.floors for edge in ("from", "end") if floor[edge]}
        found = [(None, self.base)]
        for when in sorted(when for when in whens if when <= upto):
            if self.tier_at(when) != found[-1][1]:
                found.append((when, self.tier_at(when)))
        return found


def leaves(takes):
    if takes is None or takes[0] == "invited":
        return []
    return [takes] if takes[0] == "reach" else [leaf for part in takes[1:] for leaf in leaves(part)]


class Refused(Exception):
    """A call that is not possible."""


class State:
    """An account at one moment."""

    def __init__(self, zone, joined, ladders):
        self.zone = zone
        self.joined = joined
        self.standings = {name: Standing(ladder) for name, ladder in ladders.items()}
        self.first = next(iter(self.standings.values()))
        self.counted = []
        self.balance = 0
        self.seen = {}
        self.posted = None
        self.changed = {}

    # Counting

    def count(self, key, at, n):
        if n:
            self.counted.append((key, at, n))
            self.changed[key] = min(at, self.changed.get(key, at))
            for standing in self.standings.values():
                if key in standing.keys and closes(standing.ladder):
                    end = self.end_of_period(standing, at)
                    standing.to_close = min(end, standing.to_close or end)

    def end_of_period(self, standing, at):
        return first_moment(period(standing.ladder["window"], civil(at, self.zone), self.joined)[1], self.zone)

    def total(self, standing, leaf, as_of, *, anew=False, proof=None):
        """How much of it was counted, over its window."""
        _, key, _, own = leaf
        window = own or standing.ladder["window"]
        if window[0] == "balance":
            return self.balance
        numbers = [(at, n) for k, at, n in self.counted if k == key]
        numbers += [(at, -n) for k, at, n in standing.deducted if k == key]
        if own is None:
            numbers += [(at, n[key]) for at, n in standing.carried.items() if key in n]
        proof = proof or standing.proof
        return max(0, sum(n for at, n in numbers if at <= as_of and self.within(window, at, as_of, proof, anew)))

    def within(self, window, at, as_of, proof, anew):
        """Whether what was counted at one moment is in the window that ends with another."""
        if window[0] == "ever":
            return True
        if window[0] == "term":
            return proof is None or at > proof
        if window[0] == "rolling":
            return at > earlier(as_of, *window[1:], self.zone)
        first = period(window, civil(as_of, self.zone), self.joined)[0]
        return at >= first_moment(first, self.zone) and not (anew and proof is not None and at <= proof)

    def progress(self, standing, takes, as_of, *, anew=False, proof=None):
        """What there is, what it takes, and the same of its parts."""
        if takes[0] == "reach":
            return self.total(standing, takes, as_of, anew=anew, proof=proof), takes[2], ()
        if takes[0] == "invited":
            return 0, 1, ()
        parts = tuple(self.progress(standing, part, as_of, anew=anew, proof=proof) for part in takes[1:])
        return sum(have >= need for have, need, _ in parts), len(parts) if takes[0] == "all" else 1, parts

    def met(self, standing, takes, as_of, *, anew=False):
        have, need, _ = self.progress(standing, takes, as_of, anew=anew)
        return have >= need

    # Reaching a tier

    def judge(self, now):
        """See which tiers are reached, wherever something was counted: by all that happened at this moment together."""
        while self.changed:
            changed, self.changed = self.changed, {}
            for standing in self.standings.values():
                own = [at for key, at in changed.items() if key in standing.keys]
                if own:
                    self.judge_one(standing, now, min(own))

    def judge_one(self, standing, now, since):
        if standing.at_once is None or standing.at_once[0] != now:
            standing.at_once = now, since, standing.held(), list(standing.deducted)
        was = standing.held()
        since = min(since, standing.at_once[1])
        standing.at_once = (now, since, *standing.at_once[2:])
        standing.hold(standing.at_once[2])
        standing.deducted = list(standing.at_once[3])
        for moment in self.moments(standing, since, now):
            reached, deducted = self.reached(standing, moment)
            if reached is None or (moment < now and self.was_held(standing, reached, moment)):
                continue
            until = self.keeps(standing, reached, civil(moment, self.zone))
            if until is not None and self.over(standing, until) <= now:
                continue
            standing.deducted += deducted
            standing.hold((reached["name"], moment, until, None))
        if standing.ladder["window"][0] == "balance":
            self.judge_balance(standing, now)
        if standing.held() != was:
            standing.change(now)

    def moments(self, standing, since, now):
        """Now, and where something was learnt late, whenever something was counted since."""
        if standing.ladder["starts"] == "next_period":
            return []
        if standing.ladder["window"][0] == "balance":
            return [now]
        numbers = [(key, at) for key, at, _ in self.counted + standing.deducted]
        numbers += [(key, at) for at, n in standing.carried.items() for key in n]
        return sorted({now} | {at for key, at in numbers if since <= at <= now and key in standing.keys})

    @staticmethod
    def was_held(standing, tier, moment):
        return standing.place(standing.counted_tier(moment)) >= standing.place(tier["name"])

    def reached(self, standing, as_of):
        """The highest tier that is met, and what is deducted for it: level by level, as long as there is enough."""
        reached, before = None, list(standing.deducted)
        for tier in standing.tiers[standing.place(standing.tier or standing.base) + 1 :]:
            if not self.met(standing, tier["takes"], as_of):
                continue
            reached = tier
            if tier.get("deducts"):
                standing.deducted += [(key, as_of, n) for key, n in self.meeting(standing, tier["takes"], as_of)]
        deducted, standing.deducted = standing.deducted[len(before) :], before
        return reached, deducted

    def meeting(self, standing, takes, as_of):
        """The counts that meet it: all of several, or the first of them that is enough."""
        if takes[0] == "reach":
            return [(takes[1], takes[2])]
        if takes[0] == "any":
            return self.meeting(standing, next(q for q in takes[1:] if self.met(standing, q, as_of)), as_of)
        return [found for part in takes[1:] for found in self.meeting(standing, part, as_of)]

    def judge_balance(self, standing, now):
        """On a balance every change is a review, unless it is said how long the tier is kept."""
        place = standing.place(standing.tier)
        if place < 0 or standing.until is not None or standing.ladder["downgrade"] == "none":
            return
        if self.met(standing, staying(standing.tiers[place]), now, anew=True):
            standing.grace = None
        elif standing.ladder["grace"] is None:
            self.lower(standing, now, [now], civil(now, self.zone))
        elif standing.grace is None:
            standing.grace = self.grace(standing, civil(now, self.zone))

    # Keeping a tier

    def review(self, standing, due, now):
        as_of, tier = due - TICK, standing.tiers[standing.place(standing.tier)]
        last = standing.grace or standing.until
        if standing.ladder["downgrade"] == "none":
            standing.until = standing.grace = None
        elif self.met(standing, staying(tier), as_of, anew=True):
            standing.hold((tier["name"], as_of, self.next_until(standing, tier, last, due), None))
        elif standing.ladder["grace"] and standing.grace is None:
            standing.grace = self.grace(standing, last)
        else:
            first = first_moment(standing.until + DAY, self.zone) - TICK if standing.until else as_of
            self.lower(standing, due, sorted({first, as_of}), standing.until or last)
        standing.change(now)
        standing.at_once = None

    def lower(self, standing, due, moments, last):
        """To the tier below, or to the highest that is met at one of the moments; to none that takes an invitation."""
        below = [tier for tier in standing.tiers[: standing.place(standing.tier)] if tier["takes"] != ("invited",)]
        if standing.ladder["downgrade"] == "requalify":
            below = [
                tier
                for tier in below
                if tier["takes"] is None
                or any(
                    self.met(standing, takes, moment, anew=True)
                    for takes in (tier["takes"], staying(tier))
                    for moment in moments
                )
            ]
        if not below or below[-1]["takes"] is None:
            standing.hold(("", max(moments), None, None))
        else:
            standing.hold((below[-1]["name"], max(moments), self.next_until(standing, below[-1], last, due), None))

    def keeps(self, standing, tier, day):
        """The last day, of a tier reached on a day."""
        kind, n = tier.get("keeps", standing.ladder["keeps"])
        if kind == "never":
            return None
        if kind == "days":
            return day + n * DAY
        if kind == "months":
            return months_later(day, n)
        end = period(standing.ladder["window"], day, self.joined)[1]
        for _ in range(n):
            end = period(standing.ladder["window"], end, self.joined)[1]
        return end - DAY

    def next_until(self, standing, tier, last, due):
        """Counted from the last day of what was before, or from the next if that would be over as well."""
        until = self.keeps(standing, tier, last)
        if until is None or first_moment(until + DAY, self.zone) > due:
            return until
        return self.keeps(standing, tier, civil(due, self.zone))

    @staticmethod
    def grace(standing, last):
        kind, n = standing.ladder["grace"]
        return last + n * DAY if kind == "days" else end_of_month(months_later(last, n))

    def over(self, standing, until):
        last = self.grace(standing, until) if standing.ladder["grace"] else until
        return first_moment(last + DAY, self.zone)

    # Periods that end

    def close(self, standing, due, now):
        """A period is over: tiers that have waited for it begin, and what is too much is carried over."""
        as_of, reached = due - TICK, None
        standing.to_close = None
        if standing.ladder["starts"] == "next_period":
            reached, deducted = self.reached(standing, as_of)
            until = reached and self.keeps(standing, reached, civil(due, self.zone))
            again = reached and due < now and self.was_held(standing, reached, due)
            if reached is not None and not again and (until is None or self.over(standing, until) > now):
                standing.deducted += deducted
                standing.hold((reached["name"], as_of, until, None))
                standing.change(now)
                standing.at_once = None
        self.carry(standing, due)
        later = [at for key, at, _ in self.counted if key in standing.keys and at >= due]
        if standing.carried.get(due):
            later.append(due)
        standing.to_close = min((self.end_of_period(standing, at) for at in later), default=None)

    def carry(self, standing, due):
        tier = standing.counted_tier(due, before=True)
        if standing.proof is not None and standing.proof < due:
            tier = max(tier, standing.tier, key=standing.place)
        tier = standing.tiers[standing.place(tier)] if tier else {}
        if "carry" not in tier:
            return
        carried = {}
        for leaf in leaves(tier["takes"]):
            if leaf[3] is None:
                taken = tier.get("deducts") and (leaf[1], leaf[2]) in self.deducted_in_period(standing, due - TICK)
                more = self.total(standing, leaf, due - TICK) - (0 if taken else leaf[2])
                carried[leaf[1]] = max(0, min(tier["carry"], more))
        before = standing.carried.get(due, {})
        for key, n in carried.items():
            if n != before.get(key, 0):
                self.changed[key] = min(due, self.changed.get(key, due))
        standing.carried[due] = before | carried

    def deducted_in_period(self, standing, as_of):
        window = standing.ladder["window"]
        return {(k, n) for at, k, n in standing.deducted if at <= as_of and self.within(window, at, as_of, None, False)}

    # Time

    def run(self, to):
        """What falls due up to and with a moment: what waits, then what becomes of tiers."""
        while due := min(self.due(), default=None, key=lambda item: item[:3]):
            when, kind, subject = due
            if when > to:
                return
            now = when if self.posted is None else max(when, self.posted)
            if kind == 0:
                self.activate(subject)
                self.posted = now
            else:
                self.settle(self.standings[subject], when, now)
            self.judge(now)

    def settle(self, standing, due, now):
        before = standing.held(), dict(standing.carried), len(standing.changes)
        for floor in standing.floors:
            if floor["end"] == due and not floor["over"]:
                floor["over"] = True
                self.posted = now
        if standing.to_close == due:
            self.close(standing, due, now)
        last = standing.grace or standing.until
        if last is not None and first_moment(last + DAY, self.zone) <= due:
            self.review(standing, due, now)
        if before != (standing.held(), dict(standing.carried), len(standing.changes)):
            self.posted = now

    def due(self):
        for name, seen in self.seen.items():
            if seen["waits"] and seen["ready_at"] is not None and seen["status"] > seen["back"]["status"]:
                yield seen["ready_at"], 0, name
        for name, standing in self.standings.items():
            last = standing.grace or standing.until
            if last is not None:
                yield first_moment(last + DAY, self.zone), 1, name
            if standing.to_close is not None:
                yield standing.to_close, 1, name
            for floor in standing.floors:
                if floor["end"] and not floor["over"]:
                    yield floor["end"], 1, name

    # Calls

    def do(self, call):
        """Do a call, or raise `Refused`."""
        self.run(call["posted"])
        if call["verb"] == "advance":
            return
        self.posted = call["posted"]
        getattr(self, f"do_{call['verb']}")(call)
        self.judge(call["posted"])

    def do_earn(self, call):
        at, amount = call["at"], call["amount"]
        stars = amount * (2 if self.first.tier_at(at, before=True) == "gold" else 1) // 1
        ready_at = {"": at, "days": first_moment(civil(at, self.zone) + 3 * DAY, self.zone), "told": None}[call["wait"]]
        waits = ready_at is None or ready_at > call["posted"]
        seen = {
            "at": at, "kind": call["kind"], "amount": amount, "nights": call["nights"], "refunded": 0, "gone": False,
            "stars": stars, "status": amount // 1, "back": {"stars": 0, "status": 0}, "waits": waits,
            "ready_at": ready_at,
        }  # fmt: skip
        self.seen[call["id"]] = seen
        for key, n in measured(seen).items():
            self.count(key, at, n)
        self.count("stars", at, stars)
        self.balance_moves(stars)
        if not waits:
            self.count("status", at, seen["status"])

    def balance_moves(self, by):
        self.balance += by
        for standing in self.standings.values():
            if standing.ladder["window"][0] == "balance" and by:
                self.changed["stars"] = min(self.posted, self.changed.get("stars", self.posted))

    def do_adjust(self, call):
        self.count("status", call["at"], call["points"])

    def activate(self, name):
        seen = self.seen[name]
        seen["waits"] = False
        self.count("status", seen["at"], seen["status"] - seen["back"]["status"])

    def do_activate(self, call):
        if call["of"] not in self.seen:
            raise Refused
        if self.seen[call["of"]]["waits"]:
            self.activate(call["of"])

    def do_refund(self, call):
        seen = self.seen.get(call["of"])
        if seen is None:
            raise Refused
        before = measured(seen)
        if call["amount"] is None:
            seen["gone"] = True
        elif seen["gone"] or seen["refunded"] + call["amount"] > seen["amount"]:
            raise Refused
        else:
            seen["refunded"] += call["amount"]
        gone = seen["gone"] or seen["refunded"] == seen["amount"]
        for key, n in measured(seen).items():
            self.count(key, seen["at"], n - before[key])
        for unit in ("stars", "status"):
            due = seen[unit] if gone else seen[unit] * seen["refunded"] // seen["amount"]
            back, seen["back"][unit] = due - seen["back"][unit], due
            if unit == "stars":
                self.balance_moves(-back)
            if unit == "stars" or not seen["waits"]:
                self.count(unit, seen["at"], -back)

    def do_redeem(self, call):
        if call["points"] > self.balance:
            raise Refused
        self.balance_moves(-call["points"])

    def do_grant(self, call):
        end = call["until"] and first_moment(call["until"] + DAY, self.zone)
        if end and end <= call["at"]:
            raise Refused
        floor = {"tier": call["tier"], "from": call["at"], "until": call["until"], "end": end, "over": False}
        self.standings[call["ladder"]].floors.append(floor)

    # Answers

    def stands(self, name, at):
        """What is told of a ladder at the moment that was run to."""
        standing = self.standings[name]
        ladder, tier = standing.ladder, standing.tier_at(at)
        when = standing.tenures(at)[-1][0]
        told = {"tier": tier, "since": when and civil(when, self.zone), "next": "", "to_next": None, "by": None}
        told |= {"until": self.ends(standing, tier, at), "to_stay": None, "stay_by": None}
        for following in standing.tiers[standing.place(tier) + 1 :]:
            if following["takes"] not in (None, ("invited",)):
                told["next"] = following["name"]
                told["to_next"] = self.progress(standing, following["takes"], at)
                windows = {leaf[3] or ladder["window"] for leaf in leaves(following["takes"])}
                ends = [period(w, civil(at, self.zone), self.joined)[1] - DAY for w in windows if has_periods(w)]
                told["by"] = min(ends, default=None)
                break
        if tier and tier == standing.tier and standing.until and ladder["downgrade"] != "none":
            told["stay_by"] = standing.grace or standing.until
            review = first_moment(told["stay_by"] + DAY, self.zone) - TICK
            takes = staying(standing.tiers[standing.place(tier)])
            told["to_stay"] = self.progress(standing, takes, review, anew=True)
        return told

    def ends(self, standing, tier, at):
        """The last day of a tier, if anything ends it."""
        floors = [f for f in standing.floors if f["tier"] == tier and (f["end"] is None or at < f["end"])]
        days = [floor["until"] for floor in floors]
        if tier == standing.tier and tier:
            last = standing.grace
            if last is None and standing.until is not None and standing.ladder["downgrade"] != "none":
                last = self.grace(standing, standing.until) if standing.ladder["grace"] else standing.until
            days.append(last)
        return None if None in days else max(days, default=None)


def closes(ladder):
    """Whether something may begin, or be carried over, with a period."""
    return ladder["starts"] == "next_period" or any("carry" in tier for tier in ladder["tiers"])


def staying(tier):
    return tier.get("renewal") or tier["takes"]


def measured(seen):
    """What an activity counts beside points, as much of it as was not refunded."""
    left = seen["amount"] - seen["refunded"]
    if seen["gone"] or (seen["refunded"] and not left):
        return {"spend": 0, "activities": 0, "nights": 0, "stays": 0}
    stays = int(seen["kind"] == "stay" and left >= 50)
    return {"spend": left, "activities": 1, "nights": seen["nights"], "stays": stays}


# The account ----------------------------------------------------------------------------------------------------------


class SlowTiers:
    """All calls that were accepted; everything else is worked out."""

    def __init__(self, *settings):
        self.settings = settings
        self.calls = []
        self.worked_out = {}

    def state(self, at, *, settled=True):
        """The account at a moment; not to be changed."""
        asked = len(self.calls), at, settled
        if asked not in self.worked_out:
            self.worked_out[asked] = self.work_out(at, settled=settled)
        return self.worked_out[asked]

    def posted(self):
        return self.state(self.calls[-1]["posted"]).posted if self.calls else None

    def work_out(self, at, *, settled):
        state = State(*self.settings)
        for call in self.calls:
            if call["posted"] > at:
                break
            state.do(call)
        if settled:
            state.run(at)
        return state

    def refuses(self, call):
        """Do a call; forget it, where it is not possible."""
        self.calls.append(call)
        try:
            self.state(call["posted"], settled=False)
        except Refused:
            self.calls.pop()
            return True
        self.worked_out = {key: state for key, state in self.worked_out.items() if key[0] == len(self.calls)}
        return False
