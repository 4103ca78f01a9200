"""The command `loyaltycore`: reports, balances and statements from files of transactions.

It exits with 0 when it has printed what was asked for, with 1 when `--strict` met a bad row, and with 2 when it was
called wrongly or a file cannot be used. Bad rows go to standard error: standard output holds the report alone.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from importlib.metadata import version
import json
import os
import sys
from typing import Any, Final
import warnings

from loyaltycore.balances import account_of, balances_report
from loyaltycore.datasets import COLUMNS, REQUIRED, BadRow, Transactions, read_transactions
from loyaltycore.errors import LoyaltyError, LoyaltyWarning
from loyaltycore.program import Program
from loyaltycore.reports import MONTHS, explain, points_report
from loyaltycore.serialize import to_json

BAD_ROW, UNUSABLE = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (by default the process's own) and return its exit code.

    A call that argparse does not accept ends in `SystemExit`, and so do `--help` and `--version`.
    """
    args = _parser().parse_args(argv)
    try:
        args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever reads has enough (`| head`); what is still buffered must not fail again when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BadRow as error:
        return _fail(error, BAD_ROW)
    except LoyaltyError as error:
        return _fail(error, UNUSABLE)
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}", UNUSABLE)
    except UnicodeEncodeError as error:
        return _fail(f"the output cannot be written as {error.encoding}; set PYTHONIOENCODING=utf-8", UNUSABLE)
    return 0


def _fail(error: Exception | str, code: int) -> int:
    """One line that says what is wrong, and the exit code."""
    _say(" ".join(["error:", *str(error).split(), *getattr(error, "__notes__", ())]))
    return code


def _say(text: str) -> None:
    sys.stderr.write(f"loyaltycore: {text}\n")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="loyaltycore",
        description="Loyalty programs on files of transactions.",
        epilog="example:\n  loyaltycore report transactions.csv --program club.toml",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"loyaltycore {version('loyaltycore')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    report = _add_command(
        commands,
        "report",
        _report,
        what="points per member and month",
        description="Points per member and month (or quarter, or year) of the program's zone, and in total.",
        example="--by quarter --member-column card_no",
    )
    report.add_argument("--by", choices=MONTHS, default="month", help="what the columns are (default: month)")
    report.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    report.add_argument(
        "--explain",
        metavar="ID",
        help="print why that activity earned what it did instead; without ids, give 'line 17'",
    )
    balances = _add_command(
        commands,
        "balances",
        _balances,
        what="what each member has at a moment",
        description="What each member has at a moment: points earned, pending, available, lapsed, and lapsing soon.",
        example="--at 2026-04-01 --format csv",
    )
    balances.add_argument("--at", metavar="MOMENT", required=True, help=_MOMENT)
    balances.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    statement = _add_command(
        commands,
        "statement",
        _statement,
        what="what a member is sent",
        description="A member's statement: what there was, what happened, what there is, and what is coming.",
        example="--member 1204 --at 2026-04-01 --since 2026-03-01",
    )
    statement.add_argument("--member", metavar="ID", required=True, help="whose statement")
    statement.add_argument("--at", metavar="MOMENT", required=True, help=_MOMENT)
    statement.add_argument("--since", metavar="MOMENT", help="where it begins (default: with the first transaction)")
    statement.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    return parser


_MOMENT: Final = "a date (its first moment), or date and time as in 2026-04-01T12:00"


def _add_command(
    commands: Any, name: str, run: Callable[[Namespace], None], *, what: str, description: str, example: str
) -> ArgumentParser:
    """A command that reads transactions and a program."""
    command: ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=description,
        epilog=f"example:\n  loyaltycore {name} sales.csv --program club.toml {example}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    _add_input(command)
    return command


# What goes in -------------------------------------------------------------------------------------------------------


def _add_input(command: ArgumentParser) -> None:
    """The options of every command that reads transactions and a program."""
    command.add_argument("file", metavar="FILE", help="a CSV file of transactions whose first row names its columns")
    command.add_argument("--program", metavar="FILE", required=True, help="the program, as TOML or JSON")
    command.add_argument("--strict", action="store_true", help="stop at the first bad row, with exit code 1")
    command.add_argument(
        "--delimiter",
        metavar="CHARACTER",
        default=",",
        type=_delimiter,
        help="what separates the cells, or the word tab (default: a comma)",
    )
    command.add_argument("--encoding", metavar="NAME", default="utf-8-sig", help="the file's encoding (default: UTF-8)")
    columns = command.add_argument_group(
        "columns", "Found by their usual names if not given. Rows that share an id are one basket."
    )
    for what in COLUMNS:
        without = "" if what in REQUIRED else "; '' for none"
        columns.add_argument(f"--{what}-column", metavar="NAME", help=f"the column of the {what}{without}")


def _delimiter(text: str) -> str:
    return "\t" if text in ("tab", "\\t") else text


def _transactions(args: Namespace) -> Transactions:
    """The file's activities; its bad rows are told at once, so that no use of the output hides them."""
    named = {what: getattr(args, f"{what}_column") for what in COLUMNS}
    found = read_transactions(
        args.file,
        columns={what: name for what, name in named.items() if name is not None},
        delimiter=args.delimiter,
        encoding=args.encoding,
        strict=args.strict,
    )
    guessed = [f"{what} from {name!r}" for what, name in found.columns.items() if name not in (what, named[what])]
    if guessed:
        _say(f"reading {', '.join(guessed)}")
    for problem in found.problems:
        sys.stderr.write(f"{problem}\n")
    if found.problems:
        _say(f"bad rows that are not counted: {len(found.problems):,} (--strict stops at the first)")
    return found


def _program(args: Namespace) -> Program:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LoyaltyWarning)
        program = Program.load(args.program)
    for warning in caught:
        _say(f"warning: {warning.message}")
    return program


# What comes out -----------------------------------------------------------------------------------------------------


def _report(args: Namespace) -> None:
    program, transactions = _program(args), _transactions(args)
    if args.explain is not None:
        text = f"{explain(program, transactions, args.explain)}\n"
    else:
        report = points_report(program, transactions, by=args.by)
        if args.format == "csv":
            text = report.to_csv()
        elif args.format == "json":
            text = json.dumps(report.to_data(), indent=2, ensure_ascii=False) + "\n"
        else:
            text = f"{report}\n"
    sys.stdout.write(text)


def _balances(args: Namespace) -> None:
    program, transactions = _program(args), _transactions(args)
    report = balances_report(program, transactions, at=args.at)
    if args.format == "csv":
        text = report.to_csv()
    elif args.format == "json":
        text = json.dumps(report.to_data(), indent=2, ensure_ascii=False) + "\n"
    else:
        text = f"{report}\n"
    sys.stdout.write(text)


def _statement(args: Namespace) -> None:
    program, transactions = _program(args), _transactions(args)
    account = account_of(program, transactions, args.member, at=args.at)
    statement = account.statement(at=args.at, since=args.since)
    sys.stdout.write(f"{to_json(statement, indent=2) if args.format == 'json' else statement}\n")
