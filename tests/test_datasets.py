"""Reading transactions: rows become activities, and none is lost in silence."""

from fractions import Fraction
from pathlib import Path

import pytest

from loyaltycore import *
from loyaltycore.datasets import BadRow, read_transactions

EXAMPLE = Path(__file__).parents[1] / "examples" / "transactions.csv"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Write a file named `sales.csv` and read it."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(content, **options):
        Path("sales.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_transactions("sales.csv", **options)

    return write_and_read


def problems(transactions):
    return [str(problem) for problem in transactions.problems]


# Baskets ------------------------------------------------------------------------------------------------------------


def test_rows_that_share_an_id_are_one_basket_wherever_they_stand(read):
    found = read(
        "member,date,id,category,amount,quantity,sku\n"
        "m-1,2026-03-01T10:30,t-1,dining,12.50,2,espresso\n"
        "m-2,2026-03-01,t-2,fuel,40,1,\n"
        "m-1,2026-03-01T10:30,t-1,,7.25,,\n"
    )

    assert list(found) == [
        Activity(
            [Line("12.50", "dining", quantity=2, sku="espresso"), Line("7.25")],
            at="2026-03-01T10:30",
            id="t-1",
            member="m-1",
        ),
        Activity([Line(40, "fuel")], at="2026-03-01", id="t-2", member="m-2"),
    ]
    assert found.problems == ()


def test_without_ids_each_row_is_an_activity_called_by_its_line(read):
    found = read("member,date,amount\nm-1,2026-03-01,9\n\nm-1,2026-03-01,5\n")

    assert [(activity.id, activity.amount) for activity in found] == [("line 2", 9), ("line 4", 5)]


def test_a_returned_row_nets_inside_its_basket(read):
    found = read("member,date,id,amount\nm,2026-03-01,t,80\nm,2026-03-01,t,-30.50\n")

    assert [activity.amount for activity in found] == [Fraction("49.50")]


def test_a_date_may_be_written_in_two_ways_within_a_basket(read):
    found = read("member,date,id,amount\nm,2026-03-01,t,80\nm,2026-03-01T00:00,t,20\n")

    assert [activity.amount for activity in found] == [100]


def test_rows_alike_share_one_line(read):
    first, second = read("member,date,amount\na,2026-03-01,9.99\nb,2026-03-01,9.99\n")

    assert first.lines[0] is second.lines[0]


def test_the_example_holds_what_its_readme_says():
    found = read_transactions(EXAMPLE)

    assert len(found) == 2275
    assert sum(len(activity.lines) for activity in found) == 5671
    assert len({activity.member for activity in found}) == 100
    assert sum(activity.amount for activity in found) == Fraction("63350.56")
    assert repr(found) == "<Transactions: 2,275 activities, 0 bad rows>"


def test_the_order_of_rows_changes_only_the_order_of_lines(tmp_path):
    header, *rows = EXAMPLE.read_text().splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join([header, *reversed(rows)]))

    def contents(path):
        return {a.id: (a.member, a.at, sorted(a.lines, key=repr)) for a in read_transactions(path)}

    assert contents(turned) == contents(EXAMPLE)


# Bad rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("m,2026-03-01,t,1,$12", "amount: '$12' is not a number; write digits, a point before the decimals"),
        ('m,2026-03-01,t,1,"1,234.50"', "amount: '1,234.50' is not a number; write digits"),
        ("m,2026-03-01,t,1,", "amount: '' is not a number"),
        ("m,2026-03-01,t,1,nan", "amount: 'nan' is not a number"),
        ("m,2026-03-01,t,1,1e999999", "amount: '1e999999' is not a number"),
        ("m,2026-03-01,t,two,9", "quantity: 'two' is not a number"),
        ("m,03/01/2026,t,1,9", "date: '03/01/2026' is not a date; write ISO"),
        ("m,2026-02-30,t,1,9", "date: '2026-02-30' is not a date"),
        ("m,,t,1,9", "date: '' is not a date"),
        ("m,9999-12-31,t,1,9", "date: the year 9999 cannot be meant; give one from 1900 to 2199"),
        (",2026-03-01,t,1,9", "there is no member; say whose it is"),
        ("m,2026-03-01,,1,9", "there is no id; give every row one, or leave the column out: --id-column ''"),
        ("m,2026-03-01,t,1,-9", "'t' comes to -9, below 0; give a refund the id and the date of its purchase"),
        ("m,2026-03-01", "the row has 2 cells and the header 5; quote cells that hold a delimiter"),
        ("m,2026-03-01,t,1,1,234.50", "the row has 6 cells and the header 5"),
        ('m,2026-03-01,t,1,"9"9', "the row cannot be split into cells (',' expected after '\"'); look at the quotes"),
        ("Zo\udceb,2026-03-01,t,1,9", "the row is not text in this encoding; say which it is: --encoding"),
    ],
)
def test_a_bad_row_is_told_with_file_and_line_and_the_others_count(read, row, why):
    content = f"member,date,id,quantity,amount\na,2026-03-01,t-1,1,5\n{row}\nb,2026-03-02,t-2,1,7\n"

    found = read(content.encode(errors="surrogateescape"))

    assert [activity.id for activity in found] == ["t-1", "t-2"]
    (problem,) = problems(found)
    assert problem.startswith(f"sales.csv:3: {why}")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("m-2,2026-03-01,t,9", "'t' has the member 'm-1' on line 2 and 'm-2' here"),
        ("m-1,2026-03-02,t,9", "'t' has the date '2026-03-01' on line 2 and '2026-03-02' here"),
    ],
)
def test_an_id_belongs_to_one_member_and_moment(read, row, why):
    found = read(f"member,date,id,amount\nm-1,2026-03-01,t,5\n{row}\n")

    assert [activity.amount for activity in found] == [5]
    (problem,) = problems(found)
    assert problem.startswith(f"sales.csv:3: {why}; rows that share an id are one basket")


def test_a_quote_that_is_not_closed_names_all_the_lines_it_swallows(read):
    found = read('member,date,amount\na,2026-03-01,5\nb,2026-03-01,"5\nc,2026-03-01,5\n')

    assert [activity.member for activity in found] == ["a"]
    assert problems(found) == [
        "sales.csv:3: lines 3 to 4 cannot be split into cells (unexpected end of data); look at the quotes"
    ]


def test_a_cell_may_go_over_several_lines(read):
    found = read('member,date,amount,note\na,2026-03-01,5,"two\nlines"\nb,2026-03-01,x,\n')

    assert [activity.id for activity in found] == ["line 2"]
    assert [problem.path for problem in found.problems] == ["sales.csv:4"]


def test_a_basket_below_0_is_told_once_at_its_first_line_and_in_the_order_of_lines(read):
    found = read(
        "member,date,id,amount\nm,2026-03-01,t-1,-9\nm,2026-03-01,t-2,x\nm,2026-03-01,t-1,2\nm,2026-03-01,t-3,5\n"
    )

    assert [activity.id for activity in found] == ["t-3"]
    assert [problem.path for problem in found.problems] == ["sales.csv:2", "sales.csv:3"]
    assert "'t-1' comes to -7, below 0" in problems(found)[0]


@pytest.mark.parametrize("rows", ["m,2026-03-01,t,x\nm,never,u,5\n", "m,2026-03-01,t,-5\nm,2026-03-01,u,5\n"])
def test_strict_raises_the_first_bad_row(read, rows):
    with pytest.raises(BadRow, match=r"^sales\.csv:2: ") as raised:
        read(f"member,date,id,amount\n{rows}", strict=True)

    assert isinstance(raised.value, DataError)
    assert raised.value.path == "sales.csv:2"


# Columns ------------------------------------------------------------------------------------------------------------


def test_usual_names_are_found_without_case_spaces_and_punctuation(read):
    found = read(
        "Customer ID,Order-Date,Net Amount,Department,Qty,Product_ID,basket_id,store\nm,2026-03-01,9,a,2,b,t,s\n"
    )

    assert found.columns == {
        "member": "Customer ID",
        "date": "Order-Date",
        "amount": "Net Amount",
        "category": "Department",
        "quantity": "Qty",
        "sku": "Product_ID",
        "id": "basket_id",
    }
    assert list(found) == [
        Activity([Line(9, "a", quantity=2, sku="b")], at="2026-03-01", id="t", member="m"),
    ]


def test_a_name_that_is_the_thing_itself_comes_before_others(read):
    (activity,) = read("member,date,total,amount\nm,2026-03-01,100,9\n")

    assert activity.amount == 9


def test_columns_are_named_where_they_are_called_something_else(read):
    (activity,) = read(
        "card,day,paid,id\nm,2026-03-01,9,7\n", columns={"member": "card", "date": "day", "amount": "paid", "id": ""}
    )

    assert (activity.member, activity.amount, activity.id) == ("m", 9, "line 2")


@pytest.mark.parametrize(
    ("header", "columns", "why"),
    [
        (
            "card,date,amount",
            {},
            "no column looks like the member, the columns are 'card', 'date', 'amount'; say which",
        ),
        ("card,date,amount", {}, "which one it is: --member-column NAME, or columns={'member': NAME}"),
        (
            "member,date,amount",
            {"amount": "paid"},
            "there is no column 'paid' for the amount, the columns are 'member'",
        ),
        ("member,date,amount", {"member": ""}, "no column looks like the member"),
        ("member,date,spend,total", {}, "'spend' and 'total' could each be the amount; say which one it is: --amount"),
        ("member,date,amount,amount", {}, "'amount' and 'amount' could each be the amount"),
        ("member;date;amount", {}, "are they separated otherwise? --delimiter ';', or delimiter=';')"),
        ("member\tdate\tamount", {}, "are they separated otherwise? --delimiter tab, or delimiter='\\t')"),
        ("m\udceb,date,amount", {}, "this is not text in this encoding; say which it is: --encoding"),
        ('"member"x,date', {}, "the names of the columns cannot be read"),
    ],
)
def test_where_there_is_no_telling_the_columns_the_error_says_what_to_do(read, header, columns, why):
    with pytest.raises(DataError) as raised:
        read(f"{header}\nm,2026-03-01,9\n".encode(errors="surrogateescape"), columns=columns)

    assert raised.value.path == "sales.csv:1"
    assert why in str(raised.value)


def test_an_empty_file_is_an_error_and_one_without_rows_is_not(read):
    with pytest.raises(DataError, match=r"^sales\.csv:1: the first line is empty; name the columns there"):
        read("")

    assert len(read("member,date,amount\n")) == 0


def test_only_what_is_read_has_a_column(read):
    with pytest.raises(RuleError, match="columns: 'store' is nothing that is read; give some of member, date, amount"):
        read("member,date,amount\n", columns={"store": "shop"})


# The file -----------------------------------------------------------------------------------------------------------

ZOE = "member,date,amount\nZoë,2026-03-01,9\n"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (ZOE.encode(), {}),
        (ZOE.encode("utf-8-sig"), {}),
        (ZOE.encode("utf-8-sig"), {"encoding": "utf-8"}),
        (ZOE.encode("latin-1"), {"encoding": "latin-1"}),
        (ZOE.encode("utf-16"), {"encoding": "utf-16"}),
        (ZOE.replace("\n", "\r\n").encode(), {}),
        (ZOE.replace(",", ";").encode(), {"delimiter": ";"}),
        (ZOE.replace(",", "\t").encode(), {"delimiter": "\t"}),
        (ZOE.replace(",", ", ").encode(), {}),
        (ZOE.replace(",", " ,").encode(), {}),
        (f"{ZOE}\n,,\n\n".encode(), {}),
    ],
)
def test_the_same_rows_from_many_kinds_of_file(read, content, options):
    found = read(content, **options)

    assert [(activity.member, activity.amount) for activity in found] == [("Zoë", 9)]
    assert found.problems == ()


def test_a_file_in_another_encoding_than_told_is_an_error(read):
    with pytest.raises(DataError, match=r"^sales\.csv: this is no utf-16 text; say what it is: --encoding"):
        read(ZOE.encode(), encoding="utf-16")
    with pytest.raises(RuleError, match="encoding: 'klingon' is not known; give one such as 'utf-8' or 'latin-1'"):
        read(ZOE, encoding="klingon")


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", " "])
def test_a_delimiter_is_one_character_that_separates(read, delimiter):
    with pytest.raises(RuleError, match="separates no cells; give one character, such as ';' or a tab"):
        read(ZOE, delimiter=delimiter)
