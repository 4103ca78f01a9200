"""The reports that one looks at first, together."""

from __future__ import annotations

from collections.abc import Iterator

from loyaltycore._accounts import Accounts, source_of
from loyaltycore._result import Plotted
from loyaltycore.desk import When
from loyaltycore.flows import points_flow, redemption_rates, reward_mix
from loyaltycore.history import AnyProgram
from loyaltycore.membership import engagement, tier_distribution
from loyaltycore.outstanding import WITHOUT_END, balance_distribution, expiry_wall


def overview(
    accounts: Accounts, *, at: When | None = None, by: str = "month", program: AnyProgram | None = None
) -> tuple[Plotted, ...]:
    """What a manager looks at first: of each unit that can be redeemed its points, then members, and their tiers.

    What there is nothing to say of is left out: where nothing lapses there is no expiry wall. Arguments are as for
    `expiry_wall`. `page` makes one page of it.

    >>> from loyaltycore.reports import overview, page
    >>> club = Program("Club", earning=PerSpend(1))
    >>> parts = overview(club.replay([Activity.purchase(50, at="2026-01-05", id="t-1", member="Ada")]))
    >>> parts[0]
    <PointsFlow: Club: points earned, spent and lapsed by month>
    >>> html = page("Our club", parts)
    """

    def each() -> Iterator[Plotted]:
        for unit, points in source.program.points.items():
            if points.redeemable:
                yield points_flow(source, at=end, by=by, unit=unit)
                wall = expiry_wall(source, at=end, by=by, unit=unit)
                rates = redemption_rates(source, at=end, by=by, unit=unit)
                mix = reward_mix(source, at=end, unit=unit)
                if any(row.period not in WITHOUT_END for row in wall.rows):
                    yield wall
                if any(row.redeemed or row.lapsed for row in rates.rows):
                    yield rates
                if mix.rows:
                    yield mix
                yield balance_distribution(source, at=end, unit=unit)
        yield engagement(source, at=end, by=by)
        if source.program.version(end).ladders:
            yield tier_distribution(source, at=end, by=by)

    source = source_of(accounts, program)
    end = source.until(at)
    return () if source.program is None else tuple(each())
