"""What bulk costs beside the same work written by hand: points per member and month, on polars, DuckDB and Spark.

    python benchmarks/bulk.py [--rows 10000000] [--rounds 5] [--engines polars DuckDB Spark]

The rule is the classic (1 point per dollar between 50 and 100, 2 points per dollar over 100) and more for three
categories: 2 points per dollar for dining, 3 for travel, half a point for groceries. By hand it is one lazy query of
polars, one of SQL for DuckDB, and one of Spark's data frames. All add up points per member and month, and must agree.
polars and DuckDB have the rows in memory; Spark, on two local threads, reads them from Parquet and does with the groups
what costs nothing. Contenders take turns, and a ratio is the median over the rounds of one's time by that of the query
written by hand for the same engine.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from importlib.metadata import version
import os
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import duckdb
import numpy as np
import polars as pl

from loyaltycore import Category, PerSpend
from loyaltycore.frames import award_frame, points_by

RULE = (
    PerSpend(1).between(50, 100)
    + PerSpend(2).over(100)
    + PerSpend(2).when(Category("dining"))
    + PerSpend(3).when(Category("travel"))
    + PerSpend("0.5").when(Category("groceries"))
)

SQL = """
    SELECT member, CAST(date_trunc('month', "at") AS DATE) AS month, CAST(sum((
        2 * (CASE WHEN amount > 5000 THEN least(amount, 10000) - 5000 ELSE 0 END)
        + 4 * (CASE WHEN amount > 10000 THEN amount - 10000 ELSE 0 END)
        + CASE category WHEN 'dining' THEN 4 WHEN 'travel' THEN 6 WHEN 'groceries' THEN 1 ELSE 0 END * amount
    ) // 200) AS BIGINT) AS points
    FROM sales GROUP BY ALL
"""


def sales_of(rows: int) -> pl.DataFrame:
    """A year of purchases of a fifth as many members as there are rows, at most half a million."""
    random = np.random.default_rng(1)
    categories = np.array(["dining", "travel", "groceries", "fuel", "other"])
    return pl.DataFrame(
        {
            "member": random.integers(0, min(500_000, rows // 5 + 1), rows),
            "at": (
                np.datetime64("2025-01-01T00:00:00") + random.integers(0, 365 * 86_400, rows).astype("timedelta64[s]")
            ).astype("datetime64[us]"),
            "amount": (random.gamma(1.5, 4000, rows)).astype(np.int64),
            "category": categories[random.integers(0, 5, rows)],
        }
    )


def polars_by_hand(sales: pl.DataFrame) -> pl.DataFrame:
    """One lazy query."""
    amount, category = pl.col("amount"), pl.col("category")
    rate = pl.when(category == "dining").then(4).when(category == "travel").then(6)
    rate = rate.when(category == "groceries").then(1).otherwise(0)
    band = amount.clip(5000, 10_000) - 5000
    over = amount.clip(lower_bound=10_000) - 10_000
    points = (2 * band + 4 * over + rate * amount) // 200
    month = pl.col("at").dt.truncate("1mo").dt.date().alias("month")
    return sales.lazy().group_by("member", month).agg(points.sum().alias("points")).collect()


def spark_by_hand(sales: Any) -> Any:
    """One query of Spark's data frames."""
    from pyspark.sql import functions as F  # noqa: N812 (as everyone has it)

    amount, category = F.col("amount"), F.col("category")
    rate = F.when(category == "dining", 4).when(category == "travel", 6).when(category == "groceries", 1).otherwise(0)
    band = F.greatest(F.least(amount, F.lit(10_000)), F.lit(5000)) - 5000
    over = F.greatest(amount, F.lit(10_000)) - 10_000
    by_hand = sales.withColumn("doubled", 2 * band + 4 * over + rate * amount)
    points = by_hand.withColumn("points", F.expr("doubled div 200")).withColumn("month", F.trunc("at", "month"))
    return points.groupBy("member", "month").agg(F.sum("points").alias("points"))


Ways = dict[str, Callable[[], Any]]


def on_polars(sales: pl.DataFrame) -> Ways:
    return {
        "by hand": lambda: polars_by_hand(sales),
        "points_by, lazy": lambda: points_by(sales.lazy(), RULE).collect(),
        "points_by, eager": lambda: points_by(sales, RULE),
        "award_frame, lazy": lambda: award_frame(RULE, sales.lazy()).collect(),
    }


def on_duckdb(sales: pl.DataFrame) -> Ways:
    connection = duckdb.connect()
    connection.register("frame", sales.to_arrow())
    connection.execute("CREATE TABLE sales AS SELECT * FROM frame")
    relation = connection.table("sales")
    return {
        "by hand": lambda: connection.sql(SQL).to_arrow_table(),
        "points_by": lambda: points_by(relation, RULE).to_arrow_table(),
    }


def on_spark(sales: pl.DataFrame) -> Ways:
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    config = {"spark.ui.enabled": False, "spark.ui.showConsoleProgress": False, "spark.driver.memory": "4g"}
    session = SparkSession.builder.master("local[2]").config(map=config).getOrCreate()
    folder = TemporaryDirectory()
    file = Path(folder.name) / "sales.parquet"
    sales.write_parquet(file)
    frame = session.read.parquet(str(file))

    def done(groups: Any) -> Any:
        groups.write.format("noop").mode("overwrite").save()
        return folder, groups

    return {
        "by hand": lambda: done(spark_by_hand(frame)),
        "points_by": lambda: done(points_by(frame, RULE)),
    }


ENGINES = {"polars": on_polars, "DuckDB": on_duckdb, "Spark": on_spark}


def total(found: Any) -> int:
    """The sum of all points."""
    if isinstance(found, tuple):
        return int(found[1].groupBy().sum("points").first()[0])
    table = found if isinstance(found, pl.DataFrame) else pl.DataFrame(found)
    return int(table["points"].sum())


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    args = parser.parse_args()
    sales = sales_of(args.rows)
    expected = int(polars_by_hand(sales)["points"].sum())
    print(f"{args.rows:,} rows, {expected:,} points; {os.cpu_count()} cores; medians of {args.rounds} rounds", end="")
    print(f"; polars {pl.__version__}, DuckDB {duckdb.__version__}, PySpark {version('pyspark')}\n")
    print("| engine | way | seconds | by hand = 1 |")
    print("| --- | --- | --- | --- |")
    for engine in args.engines:
        ways = ENGINES[engine](sales)
        times: dict[str, list[float]] = {way: [] for way in ways}
        for way, run in ways.items():  # once for nothing: files are read, and queries compiled
            assert total(run()) == expected, (engine, way)
        for _ in range(args.rounds):
            for way, run in ways.items():
                start = perf_counter()
                run()
                times[way].append(perf_counter() - start)
        base = times["by hand"]
        for way, own in times.items():
            ratio = median(mine / theirs for mine, theirs in zip(own, base, strict=True))
            print(f"| {engine} | {way} | {median(own):.2f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
