"""Rows of Spark worked on by Python: where columns do not do, and for a replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final
import warnings

from loyaltycore.errors import LoyaltyWarning, MissingExtra

BATCH: Final = 10_000
"""Rows that are handed back to Spark at a time."""


def map_in_arrow(df: Any, work: Callable[[Iterator[Any]], Iterator[Any]], schema: Any) -> Any:
    """`df.mapInArrow`, which insists on a pandas that it then does not use, and on names that it can say."""
    names = df.columns
    plain = df.toDF(*(f"c{n}" for n in range(len(names))))

    def named(batches: Iterator[Any]) -> Iterator[Any]:
        return work(batch.rename_columns(names) for batch in batches)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        try:
            return plain.mapInArrow(named, schema)
        except ImportError as error:
            raise MissingExtra("spark", "pyarrow and pandas", "work on the rows of Spark") from error


def with_points(df: Any, award: Callable[[Any], Any], outs: Sequence[str], together: str | None, row: str) -> Any:
    """The frame with columns of points: `award` is given a pyarrow table at a time, and gives it back with them.

    The rows that are alike in the column *together* are in one table, in their order, which *row* is a free name for.
    Without it a table is a batch of rows.
    """
    from pyspark.sql.types import LongType, StructField, StructType

    schema = StructType([*df.schema.fields, *(StructField(name, LongType()) for name in outs)])
    if together is None:
        return map_in_arrow(df, lambda batches: _awarded(award, ([batch] for batch in batches)), schema)
    placed = df.selectExpr("*", f"monotonically_increasing_id() AS `{row}`")
    placed = placed.repartition(placed[f"`{together}`"]).sortWithinPartitions(row)

    def work(batches: Iterator[Any]) -> Iterator[Any]:
        rows = [batch.drop_columns([row]) for batch in batches]
        return _awarded(award, [rows] if rows else [])

    return map_in_arrow(placed, work, schema)


def _awarded(award: Callable[[Any], Any], tables: Iterable[list[Any]]) -> Iterator[Any]:
    import pyarrow as pa  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        # it was said where the frame was asked for
        warnings.simplefilter("ignore", LoyaltyWarning)
        for batches in tables:
            yield from award(pa.Table.from_batches(batches)).to_batches(max_chunksize=BATCH)
