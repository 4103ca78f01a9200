"""What a replay costs on Spark beside one process: a history in a file, read, sorted and lived in accounts.

    python benchmarks/spark.py [--events 10000000] [--members 500000] [--rounds 3]

The program is that of `benchmarks/replay.py`: points by spend and tier that lapse after a year, redemptions, and tiers
by what was spent in the last 365 days. The events are the rows of a Parquet file, in no order. One process reads it
with polars and replays it; Spark does with two workers on this machine. Both end in the totals by month and the
balances of all members, which must be the same. Rounds are interleaved; starting Spark is not counted.
"""

from argparse import ArgumentParser
import os
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from replay import DAY, DAYS, PRICES, START, club

from loyaltycore.spark import replay_spark

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


def history(events: int, members: int) -> pl.DataFrame:
    """Purchases, and a redemption now and then; few members do much, and most do little."""
    random = np.random.default_rng(1)
    reward = np.where(random.random(events) < 0.15, random.integers(1, len(PRICES) + 1, events), 0)
    return pl.DataFrame(
        {
            "member": (members * random.random(events) ** 2).astype(np.int64),
            "at": np.datetime64(START) + random.integers(0, DAYS * DAY, events).astype("timedelta64[s]"),
            "id": np.arange(events),
            "amount": np.where(reward > 0, 0, random.integers(100, 20_000, events)),
            "reward": reward,
        }
    ).with_columns(
        pl.format("m-{}", "member").alias("member"),
        pl.format("e-{}", "id").alias("id"),
        pl.col("at").cast(pl.Datetime("us")),
        pl.when(reward=0).then(None).otherwise(pl.lit("redeem")).alias("kind"),
        pl.col("reward").replace_strict(dict(enumerate(PRICES, start=1)), default=None),
    )


def one_process(file: Path) -> tuple[Any, Any]:
    replayed = club.replay(pl.read_parquet(file), progress=False)
    return replayed.monthly(), replayed.balances()


def on_spark(session: Any, file: Path) -> tuple[Any, Any]:
    with replay_spark(club, session.read.parquet(str(file))) as replayed:
        return pl.from_arrow(replayed.monthly().toArrow()), pl.from_arrow(replayed.balances().toArrow())


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--members", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    from pyspark.sql import SparkSession

    config = {"spark.ui.enabled": False, "spark.ui.showConsoleProgress": False, "spark.driver.memory": "4g"}
    session = SparkSession.builder.master("local[2]").config(map=config).getOrCreate()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "history.parquet"
        history(options.events, options.members).write_parquet(file)
        times: dict[str, list[float]] = {"one process": [], "Spark, two workers": []}
        for _ in range(options.rounds):
            start = perf_counter()
            one = one_process(file)
            times["one process"].append(perf_counter() - start)
            start = perf_counter()
            many = on_spark(session, file)
            times["Spark, two workers"].append(perf_counter() - start)
            for a, b in zip(one, many, strict=True):
                if a.sort(a.columns[:2]).rows() != b.sort(b.columns[:2]).rows():
                    raise SystemExit("Spark has not come to what one process has")
    print(f"{options.events:,} events of {len(one[1]):,} members; medians of {options.rounds} rounds\n")
    print(f"{'':<24}{'seconds':>10}{'ratio':>8}{'events/s':>12}")
    for name, taken in times.items():
        ratio = median(mine / theirs for mine, theirs in zip(taken, times["one process"], strict=True))
        print(f"{name:<24}{median(taken):>10.1f}{ratio:>8.2f}{options.events / median(taken):>12,.0f}")


if __name__ == "__main__":
    main()
