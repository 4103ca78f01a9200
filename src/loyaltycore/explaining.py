"""A program in plain English, for those who answer for it and do not read code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from loyaltycore._english import day, plain, sentence
from loyaltycore._phrases import EARNED, Talk, stretch, window
from loyaltycore._strategy import Stored, walk
from loyaltycore._terms import AVAILABLE, REACHED, REVIEWED, when
from loyaltycore.dates import Never
from loyaltycore.differences import Difference, diff, talk_of
from loyaltycore.earning_rules import Flat
from loyaltycore.errors import RuleError
from loyaltycore.history import ProgramHistory
from loyaltycore.lots import SoonestToExpire
from loyaltycore.periods import Balance
from loyaltycore.points import Points, Rounding
from loyaltycore.program import Program
from loyaltycore.redemption_options import gift_in
from loyaltycore.tiers import Invitation, TierLadder, reaches
from loyaltycore.words import DOWN, Clause, earning, kept, lapse, offer, reward, rounding, spending, tier_words, words


def explain(value: Stored) -> str:
    """A program in plain English; also a rule, a condition, a reward or another part of one, in a line.

    Of a `ProgramHistory` the first version is told, and of each later one what changes. Parts are told as those of a
    program in US dollars whose unit is `"points"`. What is said of a class of your own is the first line of its
    docstring, with its repr.

    >>> print(explain(PerSpend(1).between(50, 100).when(Category("dining", "travel"))))
    1 point for each dollar on the amount between $50 and $100, on dining and travel
    """
    if isinstance(value, Program):
        return _text(_program(value))
    if isinstance(value, ProgramHistory):
        return _text(_history(value))
    if not isinstance(value, Stored):
        raise RuleError(f"explain: {value!r} is no program; give one, or a rule, a condition or a reward")
    return words(value)


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines)


Lines: TypeAlias = Iterator[str]


def _heading(text: str, line: str = "-") -> Lines:
    yield from ("", text, line * len(text))


def _begin(name: str, program: Program) -> Lines:
    yield from (name, "=" * len(name), "")
    yield f"Amounts are in {program.currency}. Days begin and end in the time zone {program.timezone}."


def _program(program: Program) -> Lines:
    yield from _begin(program.name, program)
    yield from _contents(program)


def _history(history: ProgramHistory) -> Lines:
    before, *_ = history._programs
    yield from _begin(history.name, before)
    later = [version for version in history.versions if not isinstance(version, Program)]
    if later:
        others = "the others by what they change" if len(later) > 1 else "the other by what it changes"
        yield f"There are {len(later) + 1:,} versions. The first is described in full, {others}."
    yield from _contents(before)
    for start, program in later:
        yield from _heading(f"From {day(start)} on")
        if not program.grandfather:
            yield "Its rules of expiry also hold for points that members already have."
        changes = [change for change in diff(before, program) if not change.place.endswith(".grandfather")]
        for change in changes:
            yield from _change(change, program)
        if not changes:
            yield "Nothing changes."
        before = program


def _change(change: Difference, program: Program) -> Lines:
    """What changes; of a unit or a ladder that is new, all of it."""
    yield f"- {change}"
    talk = talk_of(program)
    if isinstance(change.after, Points) and change.before is None:
        name = next(name for name, unit in program.points.items() if unit is change.after)
        yield from _indented(_unit(change.after, talk._replace(unit=name), given_away=name in _given_away(program)))
    if change.place.endswith(".keeps") and isinstance(change.before, Never):
        reviewed = next((ladder for ladder in program.ladders.values() if ladder.keeps is change.after), None)
        if reviewed is not None:  # and no tier by itself: until now no review was spoken of
            yield f"- tiers: {DOWN[reviewed.downgrade]}"
    if isinstance(change.after, TierLadder) and change.before is None:
        yield from _indented(_ladder(change.after, talk))


def _indented(lines: Lines) -> Lines:
    yield from (f"  {line}".rstrip() for line in lines)


def _contents(program: Program) -> Lines:
    talk = talk_of(program)
    for name, unit in program.points.items():
        yield from _heading(_capital(plain(name)))
        yield from _unit(unit, talk._replace(unit=name), given_away=name in _given_away(program))
    for name, ladder in program.ladders.items():
        yield from _heading("Tiers" if name == "tiers" else f"Tiers: {plain(name)}")
        yield from _ladder(ladder, talk)
    if program.rewards:
        yield from _heading("Rewards")
        yield from _items(reward(name, option, talk) for name, option in program.rewards.items())
    if program.rewards or program.hold_timeout != _HOLD:
        yield ""
        yield f"Points that are held for an order are free again after {program.hold_timeout}."


_HOLD: Final = "1 day"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _items(clauses: Iterable[Clause]) -> Lines:
    yield from (line for said in clauses for line in said.lines())


# Units --------------------------------------------------------------------------------------------------------------


def _given_away(program: Program) -> set[str]:
    """The units that a `Gift` among the rewards takes."""
    options = program.rewards.values()
    return {option._unit or talk_of(program).unit for option in options if gift_in(option) is not None}


def _unit(unit: Points, talk: Talk, *, given_away: bool = False) -> Lines:
    if unit.earning == Flat(0):
        yield "No activity earns them."
    else:
        yield from _items(earning(unit.earning, talk))
    if unit.on_event is not None:
        yield from _part("When something happens in the account:", earning(unit.on_event, talk))
    if unit.converts:
        yield from _part("What happens by itself:", (offer(option, talk) for option in unit.converts))
    yield ""
    yield from map(sentence, _terms(unit, talk, given_away=given_away))


def _part(title: str, clauses: Iterable[Clause]) -> Lines:
    yield from ("", title)
    yield from _items(clauses)


def _terms(unit: Points, talk: Talk, *, given_away: bool) -> Iterator[str]:
    """What becomes of what was earned."""
    if unit.earning != Flat(0) or unit.rounding != Rounding():
        yield rounding(unit.rounding, talk)
    if isinstance(unit.pending, Never):
        yield "they become available only when they are activated"
    elif unit.pending is not None:
        yield f"they become available {when(unit.pending, talk)}"
    since = EARNED if unit.pending is None else AVAILABLE
    yield f"they {lapse(unit.expiry, talk, since)}"
    if not unit.redeemable:
        cannot = "they cannot be spent, only given away"
        yield cannot if given_away else "they are only counted, and cannot be spent"
    if unit.order != SoonestToExpire():
        yield spending(unit.order)
    if unit.at_most is not None:
        yield f"an account has at most {talk.points(unit.at_most)}, and what would go beyond is not earned"


# Tiers --------------------------------------------------------------------------------------------------------------


def _ladder(ladder: TierLadder, talk: Talk) -> Lines:
    inside = talk._replace(window=ladder.window, since=REACHED)
    yield from (f"- {tier_words(tier, ladder, inside)}" for tier in ladder.tiers)
    terms = [sentence(term) for term in _ladder_terms(ladder, inside)]
    if terms:
        yield from ("", *terms)


def _ladder_terms(ladder: TierLadder, talk: Talk) -> Iterator[str]:
    """How tiers are reached, kept and lost."""
    asked = [q for tier in ladder.tiers for q in (tier.qualification, tier.renewal)]
    if any(reach.window is None for q in asked for reach in reaches(q)):
        yield f"what a tier takes is counted {window(ladder.window)}"
    if len(ladder.tiers) == 1 and ladder.base:
        return  # there is nothing to reach or lose
    if ladder.starts == "next_period":
        yield f"a tier that is reached begins with the next {stretch(ladder.window)}"
    if ladder.applies == "after":
        yield "an activity is judged in the tier that it reaches itself"
    follows = isinstance(ladder.window, Balance) and isinstance(ladder.keeps, Never)
    invited = isinstance(ladder.keeps, Never) and any(isinstance(part, Invitation) for _, part in walk(ladder))
    until = ", or until the day that the invitation says" if invited else ""
    yield f"a tier is kept {'for as long as that is so' if follows else kept(ladder.keeps, talk)}{until}"
    if follows or any(not isinstance(ladder.keeps_of(tier), Never) for tier in ladder.tiers):
        grace = "" if ladder.grace is None else f", but only {when(ladder.grace, talk._replace(since=REVIEWED))}"
        yield f"{DOWN[ladder.downgrade]}{grace}"
    elif ladder.grace is not None:
        yield f"what is lost is lost only {when(ladder.grace, talk._replace(since=REVIEWED))}"
