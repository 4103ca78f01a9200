"""The command `loyaltycore`: reports from files of transactions.

It exits with 0 when it has printed what was asked for, with 1 when `--strict` met a bad row, and with 2 when it was
called wrongly or a file cannot be used. Bad rows go to standard error: standard output holds the report alone.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib.metadata import version
import json
import os
import sys
import warnings

from loyaltycore.datasets import COLUMNS, REQUIRED, BadRow, Transactions, read_transactions
from loyaltycore.errors import LoyaltyError, LoyaltyWarning
from loyaltycore.program import Program
from loyaltycore.reports import MONTHS, explain, points_report

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
    report = commands.add_parser(
        "report",
        help="points per member and month",
        description="Points per member and month (or quarter, or year) of the program's zone, and in total.",
        epilog="example:\n  loyaltycore report sales.csv --program club.toml --by quarter --member-column card_no",
        formatter_class=RawDescriptionHelpFormatter,
    )
    report.set_defaults(run=_report)
    _add_input(report)
    report.add_argument("--by", choices=MONTHS, default="month", help="what the columns are (default: month)")
    report.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    report.add_argument(
        "--explain",
        metavar="ID",
        help="print why that activity earned what it did instead; without ids, give 'line 17'",
    )
    return parser


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
