"""Write `transactions.csv`: three months of 100 households out of the Complete Journey (see `README.md`).

Run it from the top folder, with the extra `examples` installed: `python examples/make_transactions.py`.
"""

from datetime import datetime
from hashlib import sha256
from pathlib import Path

from complete_journey import transactions
import polars as pl

HOUSEHOLDS = 100
START, END = datetime(2017, 1, 1), datetime(2017, 4, 1)


def chosen(lines: pl.DataFrame) -> list[str]:
    """The households that shopped in every month, those with the lowest SHA-256 of their number first."""
    months = lines.group_by("member").agg(pl.col("at").dt.month().n_unique().alias("months"))
    regulars = months.filter(pl.col("months") == END.month - START.month)["member"]
    return sorted(regulars, key=lambda member: sha256(member.encode()).hexdigest())[:HOUSEHOLDS]


def main() -> None:
    """Choose, add up what a basket holds of one category, and write."""
    lines = transactions().filter(
        pl.col("at").is_between(START, END, closed="left"),
        pl.col("amount") > 0,  # nothing was paid on 0.8% of the lines, and nothing is earned on them
    )
    rows = (
        lines.filter(pl.col("member").is_in(chosen(lines)))
        .group_by("member", "at", "id", "category")
        .agg(pl.col("amount").sum(), pl.col("quantity").sum())
        .with_columns(date=pl.col("at").dt.strftime("%Y-%m-%dT%H:%M"))
        .sort("date", "id", "category")
    )
    path = Path(__file__).with_name("transactions.csv")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        print("member,date,id,category,amount,quantity", file=file)
        for row in rows.iter_rows(named=True):
            amount = f"{row['amount'] // 100}.{row['amount'] % 100:02}"
            print(row["member"], row["date"], row["id"], row["category"], amount, row["quantity"], sep=",", file=file)
    print(f"{rows.height} rows, SHA-256 {sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
