"""The command `loyaltycore`: reports, balances and statements from files of transactions, and checks of programs.

It exits with 0 when it has printed what was asked for, with 1 when `--strict` met a bad row or `check` an error, and
with 2 when it was called wrongly or a file cannot be used. Bad rows go to standard error: standard output holds the
report alone.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
import json
import os
from pathlib import Path
import sys
from typing import Any, Final
import warnings

from attrs import evolve

from loyaltycore.balances import account_of, balances_report
from loyaltycore.checks import Problem
from loyaltycore.datasets import COLUMNS, REQUIRED, BadRow, Transactions, read_transactions
from loyaltycore.errors import DataError, LoyaltyError, LoyaltyWarning, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.reports import MONTHS, explain, points_report
from loyaltycore.serialize import load_history, place_in_file, to_json

BAD_ROW, UNUSABLE = 1, 2
PROBLEMS: Final = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (by default the process's own) and return its exit code.

    A call that argparse does not accept ends in `SystemExit`, and so do `--help` and `--version`.
    """
    args = _parser().parse_args(argv)
    code = 0
    try:
        code = args.run(args) or 0
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
    return code


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
    _add_check(commands)
    return parser


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="what is wrong with a program, or doubtful",
        description="What is wrong with programs, or doubtful: the file, how grave it is, the place, and the remedy.\n"
        "It exits with 1 where there is an error.",
        epilog="example:\n  loyaltycore check club.toml",
        formatter_class=RawDescriptionHelpFormatter,
    )
    check.set_defaults(run=_check)
    check.add_argument("files", metavar="FILE", nargs="+", help="a program, as TOML or JSON")
    check.add_argument("--strict", action="store_true", help="exit with 1 where there are warnings, too")


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


def _program(args: Namespace) -> AnyProgram:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LoyaltyWarning)
        program = load_history(args.program)
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


def _check(args: Namespace) -> int:
    code = 0
    for file in args.files:
        problems = tuple(_problems(file))
        for problem in problems:
            sys.stdout.write(f"{file}: {' '.join(str(problem).split())}\n")
            if problem.severity == "error" or args.strict:
                code = PROBLEMS
        if not problems:
            sys.stdout.write(f"{file}: no problems\n")
    return code


def _problems(file: str) -> Iterator[Problem]:
    """What is wrong with the program in a file: all that its checks find, or what keeps it from being built."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LoyaltyWarning)
            found = load_history(file).check()
    except DataError as error:
        path = error.path.removeprefix(str(Path(file))).removeprefix(": ")
        found = _in_refusal(error) or (Problem(path or "$", error.message, "error"),)
    return (evolve(problem, place=place_in_file(problem.place)) for problem in found)


def _in_refusal(error: DataError) -> tuple[Problem, ...]:
    """All problems of a program that was read and then refused for them."""
    place, cause = error.path, error.__cause__
    while cause is not None and not isinstance(cause, RuleError):
        place, cause = getattr(cause, "path", place), cause.__cause__
    if cause is None or not cause.problems:
        return ()
    first = next(problem for problem in cause.problems if problem.severity == "error")
    root = place.removesuffix(first.place[1:])  # of a history, the place of the version
    return tuple(evolve(problem, place=f"{root}{problem.place[1:]}") for problem in cause.problems)
