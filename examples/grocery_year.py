"""A year of a grocery chain: its program replayed, the books of December, and an idea for another program compared.

Run it from the top folder, with the extra `examples` installed: `python examples/grocery_year.py`. With `--sample` it
takes the three months of a hundred households in `transactions.csv` instead, for which no extra is needed.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
import re
import sys
from time import perf_counter

from loyaltycore import Activity, Program
from loyaltycore.calls import Call, Event
from loyaltycore.datasets import read_transactions
from loyaltycore.liability import rollforward
from loyaltycore.reports import compare

COFFEES = 5
"""The data says nothing of points that are spent, so this is made up: a coffee at every fifth visit."""


def main() -> None:
    """Print all of it; how long it took goes to standard error."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", action="store_true", help="three months of a hundred households")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--check", metavar="PAGE", type=Path, help="say whether that page shows what is printed")
    options = parser.parse_args()
    printed = "\n\n".join(timed(tables(sample() if options.sample else year(), options.workers)))
    print(printed)
    if options.check is not None:
        shown = re.findall(r"^```text\n(.*?)^```$", options.check.read_text(), re.MULTILINE | re.DOTALL)
        wrong = [part for block in shown for part in block.split("...\n") if part not in f"{printed}\n"]
        raise SystemExit(f"not printed:\n{wrong[0]}" if wrong else None)


def tables(baskets: Iterable[Activity], workers: int) -> Iterator[str]:
    """What the page in the docs shows: the replay, the comparison, and the books of the last month."""
    history = list(with_coffees(baskets))
    today, idea = Program.load("examples/grocer.toml"), Program.load("examples/grocer_tiers.toml")
    replay = today.replay(history, workers=workers)
    yield str(replay)
    yield str(compare({"today": today, "idea": idea}, history, worth="0.01", rate="0.6", workers=workers))
    last = replay.at.date()
    yield str(rollforward(replay, since=last.replace(day=1), until=last, prices="0.006"))


def timed(texts: Iterable[str]) -> Iterator[str]:
    """The same texts; how long each took is said."""
    start = perf_counter()
    for text in texts:
        now = perf_counter()
        sys.stderr.write(f"{now - start:7.1f} s  {text.partition(':')[0]}\n")
        yield text
        start = now


def year() -> Iterable[Activity]:
    """The Complete Journey: 155,848 baskets of 2,469 households."""
    from complete_journey import activities, transactions

    return activities(transactions())


def sample() -> Iterable[Activity]:
    """2,275 baskets of 100 households."""
    return read_transactions("examples/transactions.csv")


def with_coffees(baskets: Iterable[Activity]) -> Iterator[Event]:
    """The baskets, and a coffee asked for just before every fifth of a household."""
    visits: Counter[str] = Counter()
    for basket in baskets:
        visits[basket.member] += 1
        if visits[basket.member] % COFFEES == 0:
            at = basket.at - timedelta(minutes=1)
            yield Call("redeem", "coffee", member=basket.member, id=f"coffee {basket.id}", at=at)
        yield basket


if __name__ == "__main__":
    main()
