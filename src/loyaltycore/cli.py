"""The command `loyaltycore`: reports, balances and statements from files of transactions, and checks of programs.

It exits with 0 when it has printed what was asked for, with 1 when `--strict` met a bad row, `check` an error or `diff`
a difference, and with 2 when it was called wrongly or a file cannot be used. Bad rows go to standard error: standard
output holds the report alone.
"""

from __future__ import annotations

from argparse import ArgumentParser, HelpFormatter, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import csv
from datetime import timedelta
from importlib.metadata import version
import json
import os
from pathlib import Path
import sys
from time import perf_counter
from typing import Any, Final
import warnings

from attrs import evolve

from loyaltycore.balances import account_of, balances_report
from loyaltycore.calls import ROW_COLUMNS, Calls, read_calls
from loyaltycore.checks import Problem
from loyaltycore.datasets import COLUMNS, REQUIRED, BadRow, Transactions, read_transactions
from loyaltycore.differences import diff
from loyaltycore.errors import DataError, LoyaltyError, LoyaltyWarning, MissingExtra, RuleError
from loyaltycore.explaining import explain as explain_program
from loyaltycore.history import AnyProgram, ProgramHistory
from loyaltycore.instants import end_of
from loyaltycore.liability import rollforward
from loyaltycore.replay import TABLES, csv_of, replay
from loyaltycore.reports import MONTHS, compare, expiry_wall, explain, lots_over_time, overview, page, points_report
from loyaltycore.schema import program_schema
from loyaltycore.serialize import load_history, place_in_file, to_json

BAD_ROW, UNUSABLE = 1, 2
PROBLEMS: Final = 1
DIFFERENT: Final = 1


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


class _Help(HelpFormatter):
    """Help that fits a terminal: descriptions are filled, an example stays as it is."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = 13  # the longest name of a command stands beside what it does

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("example:") else super()._fill_text(text, width, indent)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="loyaltycore",
        description="Loyalty programs on files of transactions.",
        epilog="example:\n  loyaltycore report transactions.csv --program club.toml",
        formatter_class=_Help,
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
    _add_html(report, "a page of it, and of what became of the points and the members")
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
        needs="--at MOMENT ",
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
        needs="--member ID --at MOMENT ",
    )
    statement.add_argument("--member", metavar="ID", required=True, help="whose statement")
    statement.add_argument("--at", metavar="MOMENT", required=True, help=_MOMENT)
    statement.add_argument("--since", metavar="MOMENT", help="where it begins (default: with the first transaction)")
    statement.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    _add_html(statement, "a page of it, and of the lots over time")
    _add_replay(commands)
    _add_liability(commands)
    _add_compare(commands)
    _add_check(commands)
    _add_explain(commands)
    _add_diff(commands)
    _add_schema(commands)
    return parser


def _add_replay(commands: Any) -> None:
    command = _add_command(
        commands,
        "replay",
        _replay,
        what="a whole history in real accounts",
        description="A whole history in the accounts of all members: purchases, and what else the column `kind` says,\n"
        "such as redeem, hold, capture, cancel, reverse and adjust. It prints what was earned, spent and lapsed by\n"
        "month, and writes the tables to a directory: as CSV, or as Parquet if the files are.",
        example="--out replayed --workers 4",
        needs="--out DIR ",
        several=True,
    )
    command.add_argument("--out", metavar="DIR", required=True, help="write monthly and balances to this directory")
    command.add_argument("--entries", action="store_true", help="write every entry of every account, too")
    command.add_argument("--at", metavar="MOMENT", help=f"the end: {_MOMENT} (default: the last event)")
    command.add_argument("--workers", metavar="N", type=int, default=1, help="so many processes (default: 1)")
    command.add_argument(
        "--checkpoint", metavar="FILE", help="keep in it what is finished, and go on from it after a break"
    )


def _add_liability(commands: Any) -> None:
    command = _add_command(
        commands,
        "liability",
        _liability,
        what="what is owed to members in points, rolled forward",
        description="What was owed to members in points when a period began, what was issued, redeemed and lapsed in\n"
        "it, and what is owed when it ends. The last line, by how much that differs from the ledger, is 0. It reads\n"
        "what `replay` reads. A calculation, and no accounting advice.",
        example="--since 2026-03-01 --until 2026-03-31 --price 0.01",
        needs="--until DATE ",
        several=True,
    )
    command.add_argument("--until", metavar="DATE", required=True, help="the last day of the period")
    command.add_argument("--since", metavar="DATE", help="the first day of the period (default: from the beginning)")
    command.add_argument(
        "--price",
        metavar="[UNIT=]MONEY",
        action="append",
        default=[],
        help="what a point is carried at; for each of several units",
    )
    command.add_argument("--places", metavar="N", type=int, default=2, help="digits of money (default: 2)")
    command.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    command.add_argument("--journal", action="store_true", help="the journal lines instead; they need prices")
    _add_html(command, "a page of it, of when the points lapse, and of the journal")


def _add_compare(commands: Any) -> None:
    command = _add_command(
        commands,
        "compare",
        _compare,
        what="what another program would have come to",
        description="One history under several programs: points, cost, liability, tiers, the members who are better\n"
        "and worse off, and why. Members do what they did. It reads what `replay` reads.",
        example="--with club-2027.toml --worth 0.01",
        needs="--with FILE ",
        several=True,
    )
    command.add_argument(
        "--with", dest="others", metavar="FILE", action="append", required=True, help="another program; may be repeated"
    )
    command.add_argument("--at", metavar="MOMENT", help=f"the end: {_MOMENT} (default: the last event)")
    command.add_argument(
        "--worth",
        metavar="[UNIT=]MONEY",
        action="append",
        default=[],
        help="what a spent point costs; for several units",
    )
    command.add_argument(
        "--rate",
        metavar="SHARE",
        default="1",
        help="how many outstanding points will be redeemed, as in 0.7 (default: 1)",
    )
    command.add_argument("--places", metavar="N", type=int, default=2, help="digits of money (default: 2)")
    command.add_argument("--workers", metavar="N", type=int, default=1, help="so many processes (default: 1)")
    command.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    _add_html(command, "a page of it")


def _add_html(command: ArgumentParser, what: str) -> None:
    command.add_argument("--html", metavar="FILE", help=f"write {what} to this file, with plots; it needs no network")


def _add_check(commands: Any) -> None:
    check = commands.add_parser(
        "check",
        help="what is wrong with a program, or doubtful",
        description="What is wrong with programs, or doubtful: the file, how grave it is, the place, and the remedy.\n"
        "It exits with 1 where there is an error.",
        epilog="example:\n  loyaltycore check club.toml",
        formatter_class=_Help,
    )
    check.set_defaults(run=_check)
    check.add_argument("files", metavar="FILE", nargs="+", help="a program, as TOML or JSON")
    check.add_argument("--strict", action="store_true", help="exit with 1 where there are warnings, too")


def _add_explain(commands: Any) -> None:
    explain = commands.add_parser(
        "explain",
        help="a program in plain English",
        description="A program in plain English; of several versions the first, and what each later one changes.",
        epilog="example:\n  loyaltycore explain club.toml --at 2026-04-01",
        formatter_class=_Help,
    )
    explain.set_defaults(run=_explain)
    explain.add_argument("program", metavar="FILE", help="the program, as TOML or JSON")
    explain.add_argument("--at", metavar="MOMENT", help=f"only the version in force then: {_MOMENT}")


def _add_diff(commands: Any) -> None:
    differ = commands.add_parser(
        "diff",
        help="what differs between two programs, in plain words",
        description="What differs between two programs, a line each. It exits with 1 where they differ.",
        epilog="example:\n  loyaltycore diff club.toml club-2027.toml",
        formatter_class=_Help,
    )
    differ.set_defaults(run=_diff)
    differ.add_argument("old", metavar="OLD", help="a program, as TOML or JSON")
    differ.add_argument("new", metavar="NEW", help="the program that it is compared with")


def _add_schema(commands: Any) -> None:
    schema = commands.add_parser(
        "schema",
        help="the JSON Schema of program files, for editors",
        description="The JSON Schema of program files, by which editors complete and check them.",
        epilog="example:\n  loyaltycore schema --out club.schema.json",
        formatter_class=_Help,
    )
    schema.set_defaults(run=_schema)
    schema.add_argument("--out", metavar="FILE", help="write it to this file (default: print it)")


_MOMENT: Final = "a date (its first moment), or date and time as in 2026-04-01T12:00"


def _add_command(
    commands: Any, name: str, run: Callable[[Namespace], None], *, what: str, description: str, example: str,
    needs: str = "", several: bool = False,
) -> ArgumentParser:  # fmt: skip
    """A command that reads transactions and a program; *needs* are the options it has to have beside that."""
    command: ArgumentParser = commands.add_parser(
        name,
        help=what,
        usage=f"loyaltycore {name} FILE{'...' if several else ''} --program FILE {needs}[...]",
        description=description,
        epilog=f"example:\n  loyaltycore {name} sales.csv --program club.toml \\\n    {example}",
        formatter_class=_Help,
    )
    command.set_defaults(run=run)
    _add_input(command, several=several)
    return command


# What goes in -------------------------------------------------------------------------------------------------------


def _add_input(command: ArgumentParser, *, several: bool) -> None:
    """The options of every command that reads transactions and a program; *several* files may say all that happened."""
    if several:
        command.add_argument("files", metavar="FILE", nargs="+", help="CSV files of what happened, or Parquet files")
    else:
        command.add_argument(
            "file", metavar="FILE", help="a CSV file of transactions whose first row names its columns"
        )
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
    for what in ROW_COLUMNS if several else COLUMNS:
        without = "" if what in REQUIRED else "; '' for none"
        option = f"--{what.replace('_', '-')}-column"
        columns.add_argument(option, metavar="NAME", help=f"the column of {_MEANS.get(what, f'the {what}')}{without}")


_MEANS: Final = {
    "sku": "the article",
    "id": "the activity's id",
    "kind": "what the row is, if no purchase",
    "posted": "when the account learnt of it",
    "of": "the id of what a call is about: an activity, a hold, a redemption",
    "unit": "the unit of an adjustment",
    "on_shortfall": "what a reversal does where points are gone",
    "reason": "the reason of an adjustment",
    "actor": "who made an adjustment",
}
"""What a column holds, where its name does not say it."""


def _delimiter(text: str) -> str:
    return "\t" if text in ("tab", "\\t") else text


def _transactions(args: Namespace) -> Transactions:
    """The file's activities."""
    named = _named_columns(args, COLUMNS)
    found = read_transactions(
        args.file, columns=named, delimiter=args.delimiter, encoding=args.encoding, strict=args.strict
    )
    _tell_how_it_was_read(found, named)
    return found


def _named_columns(args: Namespace, known: Iterable[str]) -> dict[str, str]:
    """The columns that options name."""
    named = {what: getattr(args, f"{what}_column") for what in known}
    return {what: name for what, name in named.items() if name is not None}


def _tell_how_it_was_read(found: Transactions | Calls, named: Mapping[str, str]) -> None:
    """Which columns were guessed, and the bad rows; at once, so that no use of the output hides them."""
    guessed = [f"{what} from {name!r}" for what, name in found.columns.items() if name not in (what, named.get(what))]
    if guessed:
        _say(f"reading {', '.join(guessed)}")
    for problem in found.problems:
        sys.stderr.write(f"{problem}\n")
    if found.problems:
        _say(f"bad rows that are not counted: {len(found.problems):,} (--strict stops at the first)")


def _program(args: Namespace) -> AnyProgram:
    return _read(args.program)


def _read(file: str) -> AnyProgram:
    """The program in a file; what is doubtful about it is told at once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LoyaltyWarning)
        program = load_history(file)
    for warning in caught:
        _say(f"warning: {warning.message}")
    return program


# What comes out -----------------------------------------------------------------------------------------------------


def _report(args: Namespace) -> None:
    program, transactions = _program(args), _transactions(args)
    if args.explain is not None:
        sys.stdout.write(f"{explain(program, transactions, args.explain)}\n")
        return
    report = points_report(program, transactions, by=args.by)
    _print(report, args.format)
    if args.html is not None:
        more = overview(replay(program, transactions), by=args.by) if transactions else ()
        _write_page(args.html, f"{program.name}: points and members", [report, *more])


def _print(report: Any, form: str) -> None:
    if form == "csv":
        text = report.to_csv()
    elif form == "json":
        text = json.dumps(report.to_data(), indent=2, ensure_ascii=False) + "\n"
    else:
        text = f"{report}\n"
    sys.stdout.write(text)


def _write_page(file: str, title: str, parts: Iterable[Any]) -> None:
    """Write a page of HTML; that it has no plots is said, and why."""
    Path(file).write_text(page(title, parts), encoding="utf-8", newline="\n")
    try:
        import loyaltycore.plots  # noqa: F401 (it raises where its extra is missing)
    except MissingExtra as error:
        _say(f"{file} has no plots: {error}")


def _balances(args: Namespace) -> None:
    program, transactions = _program(args), _transactions(args)
    _print(balances_report(program, transactions, at=args.at), args.format)


def _replay(args: Namespace) -> None:
    program, start = _program(args), perf_counter()
    plain = _plain_csv(args, program)
    history, named = (plain, _named_columns(args, ROW_COLUMNS)) if plain else _history(args)
    done = replay(
        program, history, at=args.at, entries=args.entries, workers=args.workers, checkpoint=args.checkpoint,
        columns=named,
    )  # fmt: skip
    if plain:
        _tell_how_it_was_read(Calls((), done.problems, plain.read), named)
    taken = max(perf_counter() - start, 1e-9)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    tables = {"monthly": done.monthly, "balances": done.balances} | ({"entries": done.entries} if args.entries else {})
    for name, table in tables.items():
        _write_table(table(), out / name)
    sys.stdout.write(f"{done}\n")
    _say(f"{done.events:,} events in {taken:,.1f} s, {done.events / taken:,.0f} a second, with reading")


def _liability(args: Namespace) -> None:
    if args.journal and not args.price:
        raise RuleError("--journal: there are no prices, so no money; give them by --price")
    program = _program(args)
    history, named = _history(args)
    done = replay(program, history, columns=named)
    forward = rollforward(done, since=args.since, until=args.until, prices=_prices(args.price), places=args.places)
    _print(forward.journal() if args.journal else forward, args.format)
    if args.html is not None:
        end = end_of(forward.until, program.zone) - timedelta.resolution
        walls = [expiry_wall(done, at=end, unit=unit) for unit, points in program.points.items() if points.redeemable]
        journal = [forward.journal()] if args.price else []
        _write_page(args.html, f"{program.name}: liability for points", [forward, *walls, *journal])


def _compare(args: Namespace) -> None:
    files = [args.program, *args.others]
    stems = [Path(file).stem for file in files]
    programs = {stem if stems.count(stem) == 1 else file: _read(file) for stem, file in zip(stems, files, strict=True)}
    if len(programs) < len(files):
        raise RuleError(f"--with: {args.program} is given again; give other files")
    history, named = _history(args)
    result = compare(
        programs, history, at=args.at, worth=_prices(args.worth), rate=args.rate, places=args.places,
        workers=args.workers, columns=named,
    )  # fmt: skip
    _print(result, args.format)
    if args.html is not None:
        _write_page(args.html, " and ".join(programs), result.parts)


def _prices(given: Sequence[str]) -> dict[str, str] | str | None:
    """One price, or those of several units."""
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    pairs = [text.rpartition("=") for text in given]
    return {unit: price for unit, _, price in pairs} or None


def _history(args: Namespace) -> tuple[Any, dict[str, str]]:
    """What happened, from files, and the columns that options name."""
    named = _named_columns(args, ROW_COLUMNS)
    if all(Path(file).suffix == ".parquet" for file in args.files):
        return _parquet(args.files), named
    history = read_calls(
        *args.files, columns=named, delimiter=args.delimiter, encoding=args.encoding, strict=args.strict
    )
    _tell_how_it_was_read(history, named)
    return history, named


def _plain_csv(args: Namespace, program: AnyProgram) -> Any:
    """A CSV file as columns, if it is one that is read as most are and polars is there; else nothing."""
    usual = args.delimiter == "," and args.encoding == "utf-8-sig" and not args.strict
    if len(args.files) > 1 or not usual or Path(args.files[0]).suffix == ".parquet":
        return None
    return csv_of(program, Path(args.files[0]), _named_columns(args, ROW_COLUMNS))


def _parquet(files: Sequence[str]) -> Any:
    try:
        import polars as pl
    except ImportError:
        raise MissingExtra("frames", "polars", "reading Parquet") from None
    try:
        return pl.read_parquet(list(files))
    except pl.exceptions.PolarsError as error:
        raise DataError(f"these are no Parquet files of one kind ({error})", ", ".join(files)) from None


def _write_table(table: Any, path: Path) -> None:
    """A table of a replay, in the form that the history came in."""
    if not isinstance(table, tuple):
        table.write_parquet(path.with_suffix(".parquet"))
        return
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TABLES[path.name])
        writer.writerows(table)


def _statement(args: Namespace) -> None:
    program, transactions = _program(args), _transactions(args)
    account = account_of(program, transactions, args.member, at=args.at)
    statement = account.statement(at=args.at, since=args.since)
    sys.stdout.write(f"{to_json(statement, indent=2) if args.format == 'json' else statement}\n")
    if args.html is not None:
        units = [unit for unit, points in program.points.items() if points.redeemable]
        lots = [lots_over_time(account, at=args.at, unit=unit) for unit in units]
        _write_page(args.html, f"{program.name}: {args.member}", [statement, *lots])


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


def _explain(args: Namespace) -> None:
    program = _program(args)
    if args.at is not None:
        history = program if isinstance(program, ProgramHistory) else ProgramHistory(program)
        program = history.version(args.at)
    sys.stdout.write(f"{explain_program(program)}\n")


def _diff(args: Namespace) -> int:
    found = diff(_read(args.old), _read(args.new))
    sys.stdout.write("".join(f"{difference}\n" for difference in found) or "no differences\n")
    return DIFFERENT if found else 0


def _schema(args: Namespace) -> None:
    text = json.dumps(program_schema(), indent=2, ensure_ascii=False) + "\n"
    if args.out is None:
        sys.stdout.write(text)
    else:
        Path(args.out).write_text(text, encoding="utf-8", newline="\n")


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
