"""A value of every kind that can be stored, as people write them."""

from datetime import date
from fractions import Fraction

import pytest

import loyaltycore
from loyaltycore import *
from loyaltycore.snapshots import freeze_without_lots

PUBLIC = {name: getattr(loyaltycore, name) for name in loyaltycore.__all__} | {"Fraction": Fraction}

RULES = """
PerSpend(1)
PerSpend('1.5', every=10)
PerSpend('1/3')
PerStep(1, every=10, of='distance')
PerUnit(2, of='nights')
PerItem(5)
Flat(0)
PointsTable((('domestic', 'economy', 500), ('domestic', 'first', '600.5')), by=('zone', 'cabin'))
PointsTable(((Fraction(1, 2), 'first', 1), ('over', 'first', 2)), by=(Band('distance', upto=('0.5',)), 'cabin'))
PerSpend(1) + PerSpend(2).when(Category('dining', 'travel')) + Flat(50).when(MinSpend(200))
PerSpend(1) + (Flat(1) + Flat(2)).named('both')
(PerSpend(1) + Flat(2)) * by_tier(silver='1.25', gold='1.5')
PerSpend(1) * 2 * '0.5'
PerSpend(1).between(50, 100) + PerSpend(2).over(100)
PerSpend(1).between('0.5', 2, of='weight').over(1, of='quantity')
PerSpend(4).named('groceries').cap(1500, per='month').at_least(5)
PerSpend(4).cap(100).each_line()
PerUnit(1, of='distance').at_least(500).each('segment')
PerSpend(4).cap('99.5', per='line').rounded().rounded('half_up', to=10)
PerSpend(1).named('year').running(per='year')
Flat(1).named('visits').limit(3, per=('month', Each('store')))
Flat(1).named('card').every_nth(10)
Flat(1).named('streak').in_a_row(7, per='week')
Flat(1).named('streak').in_a_row(2, per=MembershipYear()).limit(1, per='ever')
Flat(1).named('review').cooldown(days=30)
Flat(1).named('welcome').cooldown(months=24)
best_of(PerSpend(2), Flat(100))
first_of(PerSpend(2).when(Category('dining')), PerSpend(1))
Flat(1).when(During('2026-03-01', None))
PerSpend(1).named('it\\'s "quoted"\\n(')
Flat(5).named('a').cap(1, per=Calendar('year', starts='03-01'))
Flat(5).named('a').cap(1, per=Calendar('week', starts=7))
Flat(5).named('a').cap(1, per=MembershipYear())
Flat(5).named('a').cap(1, per='ever')
"""
CONDITIONS = """
Category('dining') & ~Sku('gift card', 'caf\u00e9')
(OfKind('flight') | InTier('gold')) & AtLeastTier('silver')
~(Category('a') | Category('b'))
Fact('cabin')
Fact('cabin', 'first', 5, True, Fraction(3, 2))
MemberFact('segment', 'student')
Has(Category('dining'), at_least='99.99', of='quantity')
Has()
MinSpend(200)
During('2026-03-01', '2026-03-31')
During('2026-03-01T00:00', '2026-03-01T12:30:15.250000')
During('2026-03-01T12:30+02:00', None)
OnWeekdays(6, 7)
OnWeekdays()
InHours('16:00', '18:00')
BirthMonth()
Anniversary()
Anniversary('joined', before=3, after=3)
FirstTime()
FirstTime('purchase')
EveryNth(10, kind='purchase')
InExperiment('trial', '0.1')
"""
FACTORS = """
by_tier(silver='1.25', gold='1.5', otherwise=0)
by_tier({'not a name': 2, 'otherwise': 3})
by_fact('booking_class', {'F': '1.5', 5: '0.25', Fraction(1, 2): 2, True: 3}, otherwise=0)
by_member_fact('plan', {'pro': '1.5', True: 2}, otherwise=0)
RateTable((('SN', 'J', '1.25'), ('SN', 'Q', '0.5')), by=('carrier', 'booking_class'))
RateTable(((600, 2), ('over', '1.5')), by=(Band('distance', upto=(600,)),), otherwise=0)
by_fact('a', {'x': 2}) * by_tier(gold=2) * 2
2 * (3 * by_tier(gold=2))
by_tier(gold=2).when(OfKind('flight'))
"""
DATE_RULES = """
Never()
After(months=24).to_end_of('month') | AfterInactivity(months=12)
AfterInactivity(days=90, resets=OfKind('purchase')) & After(hours=1)
OnDate('12-31', years=1).plus(days=1)
On('2027-05-20').unless(InTier('gold'))
EndOf('quarter', plus=1).from_earning()
EndOfPeriod(1)
EndOfBirthMonth(years=1)
AfterFact('shipped', months=1)
"""
OPTIONS = """
Item(150, sku='latte') * by_tier(gold='0.5')
Item(PerSpend(3), grants='lounge_visit').when(InTier('gold')).limit(3, per='year').stock(10)
Item(9_000).during('2026-03-01', None).from_lots(Fact('payer', 'x'))
Voucher(1000, worth='10.50', expiry=After(months=12), unit='stars')
PercentOff(100, percent=10, at_most=50)
PayWithPoints(worth='0.01', at_least=100, step=100, share='0.5')
Increments({100: '3.50', 250: 8})
Donation(worth='0.01', to='school fund')
Gift(into='miles', at_least=5, at_most=100, unit='stars').limit(300, per='month', of='points')
Gift() * '1.1'
Item(9).limit(300, per='day', among='all', of='points')
AwardChart((('domestic', 5000), ('abroad', 9000)), by=('zone',))
Convert(1000, into='miles', gives=500)
Convert(100, into='miles', gives=5).every('month').when(MemberFact('plan', 'quick'))
Convert(100, into='miles', gives=5).from_lots(Fact('a')).every(Calendar('year', starts='03-01'))
Convert(100, into='miles', gives=5).every('activity')
CarryOver(500).when(InTier('gold')).on('12-31')
"""
QUALIFICATIONS = """
Reach('status', 500)
Reach('spend', '99.50', window=Rolling(months=12))
Reach(OfKind('stay') & MinSpend(50), 3, window=Calendar('year', starts='03-01'))
Reach('nights', 60) & (Reach('spend', 18000, window='year') | Invitation())
Invitation()
"""
VALUES = """
Line('12.5', 'dining', sku='x', quantity='1.2', facts={'weight': Fraction(5, 4), 'new': True, 'tags': ('a', 1)})
Activity((Line(80, 'dining'), Line(-5)), at='2026-03-01T12:30', kind='sale', id='t-1', member='m', facts={'a b': 1})
Tally((Line(80),))
Member('m', tier='gold', tiers={'club': 'gold'}, ladder=('silver', 'gold'), joined='2024-02-29', facts={'age': 30})
Points(PerSpend(1), rounding=Rounding('half_up', to=10, each='line'), redeemable=False, places=2, pending=Never())
Points(PerSpend(1), expiry=After(days=1), order=OldestFirst(), at_most=5)
Points(PerSpend(1), order=NewestFirst(), expiry=OnDate('12-31'))
Points(PerSpend(1), converts=(CarryOver(0).every('day'),), on_event=Flat(5).when(OfKind('joined')))
Rolling(months=12)
TierTerm()
Balance()
SoonestToExpire()
Problem('$.rewards.tea', 'nobody can afford it; lower the price')
Program('Club', earning=PerSpend(1), currency='EUR', timezone='Europe/London')
Program('Club', earning=PerSpend(1), tiers=TierLadder(Tier('all'), Tier('gold', Reach('points', 5)), window='year'))
Program('Club', earning=PerSpend(1), ladders={'a': TierLadder(Tier('x')), 'b': TierLadder(Tier('y'))})
Progress('nights', 18, 25)
Progress('all of', 1, 2, (Progress('nights', 25, 25), Progress('spend', Fraction(1, 2), 9)))
Benefit('extra_bag', 2, per='month')
Choice('milestone', ('points', 'pass'), default='points', within=After(days=60))
Tier('gold', Reach('status', 500), renewal=Reach('status', 400), benefits=('lounge', Benefit('bag', 2)), deducts=True)
Tier('gold', Reach('status', 500), keeps=Never(), carry=200, benefits=(Choice('gift', ('a', 'b')),))
TierLadder(Tier('member'), Tier('gold', Reach('status', 5)), window=Balance(), grace=After(days=7), applies='after')
TierLadder(Tier('x', Invitation()), window='year', keeps=EndOfPeriod(1), downgrade='one_level', starts='next_period')
ProgramHistory(Program('Card', earning=Flat(4)), ('2023-05-01', Program('Card', earning=Flat(3), grandfather=False)))
"""


def built(code, names=PUBLIC):
    """What code builds: what `eval(repr(value))` says of a value."""
    return eval(code, dict(names))  # noqa: S307 (our own code)


def written(table):
    return [pytest.param(built(code), id=code) for code in table.strip().splitlines()]


def a_year():
    """An account's story, with every kind of thing that comes out of one."""
    club = Program(
        "Club",
        points={"stars": Points(earning=PerSpend(1).named("x").cap(500, per="month"), expiry=After(months=6))},
        rewards={"coffee": Item(150, sku="latte")},
    )
    account = club.account("m-1", joined="2026-01-05")
    yield account.earn(Activity.purchase("200.50", at="2026-01-05T12:00", id="t-1", weight=Fraction(1, 2)))
    yield account.redeem("coffee", id="r-1", at="2026-02-01")
    yield account.redeem("coffee", id="r-2", at="2026-02-01")
    yield from account.lots("stars", at="2026-02-01")
    yield account.reverse("t-1", amount=10, id="back", at="2026-02-03")[0]
    yield account.statement(at="2026-03-01")
    yield account.snapshot()
    yield freeze_without_lots(account._ledger, 0)
    account.advance("2027-01-01")
    yield from account.entries


def in_tiers():
    """The story of an account with tiers, and what comes out of it."""
    gold = Tier(
        "gold", Reach("points", 100), benefits=("lounge", Benefit("bag", 1), Choice("gift", ("a", "b"))), carry=50
    )
    ladder = TierLadder(gold, Tier("top", Reach("spend", 900), deducts=True), window="year", keeps=EndOfPeriod(1))
    account = Program("Club", earning=PerSpend(1), tiers=ladder).account("m-1")
    yield account.earn(Activity.purchase(130, at="2026-01-05T12:00", id="t-1"))
    yield account.use("bag", id="u-1", at="2026-02-01")
    yield account.use("bag", id="u-2", at="2026-02-01")
    yield account.choose("gift", "a", id="c-1", at="2026-02-01")
    yield from account.benefits(at="2026-02-01").values()
    yield account.grant_tier("top", at="2026-03-01", until="2026-06-30", id="g-1")[0]
    yield account.tier_progress(at="2026-03-01")
    account.advance("2028-01-01")
    yield from account.tiers_held
    yield account.snapshot()
    yield from (entry for entry in account.entries if entry.kind == "tier_changed")


counting = PerSpend(6).when(Category("food")).named("food").running(per="year") + Flat(5).named("gift").cap(
    2, per="day"
)
AWARD = counting.award(Activity.purchase("10.05", at="2026-03-01", category="food"))
OTHERS = [
    pytest.param(AWARD, id="an award with counters"),
    pytest.param(Member("m", last={"purchase": date(2026, 3, 1)}).after(AWARD), id="a member with counters"),
    *(pytest.param(value, id=f"{i} {type(value).__name__}") for i, value in enumerate(a_year())),
    *(pytest.param(value, id=f"in tiers {i} {type(value).__name__}") for i, value in enumerate(in_tiers())),
]
STRATEGIES = [
    *written(RULES), *written(CONDITIONS), *written(FACTORS), *written(DATE_RULES), *written(OPTIONS),
    *written(QUALIFICATIONS),
]  # fmt: skip
EVERYTHING = [*STRATEGIES, *written(VALUES), *OTHERS]


def read_as_text(value):
    """A strategy read from its own repr, by something that holds one of its kind."""
    holders = {
        EarningRule: ("rule", {"type": "each_line"}),
        Condition: ("condition", {"type": "has"}),
        Factor: ("factor", {"type": "times", "rule": "Flat(1)"}),
        DateRule: ("expiry", {"type": "points", "earning": "Flat(1)"}),
        RedemptionOption: ("option", {"type": "stock", "n": 1}),
        Qualification: ("qualification", {"type": "tier", "name": "gold"}),
    }
    ((name, data),) = (holder for base, holder in holders.items() if isinstance(value, base))
    return getattr(from_data({"version": 1, **data, name: repr(value)}), name)
