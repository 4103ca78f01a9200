"""Plots: what is drawn is what the report says, and of nothing there is a plot that says so."""

from fractions import Fraction
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
import subprocess
import sys

from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from pages import DOCS, ROOT
import pytest
from test_account_reports import COFFEE_CLUB, END, RESULTS, answers, replayed

from loyaltycore import *
from loyaltycore import plots
from loyaltycore.breakage import Triangle, survival
from loyaltycore.liability import recognise, rollforward, sensitivity
from loyaltycore.reports import *

MORE = {
    "rollforward": lambda: rollforward(replayed(), since="2026-02-01", until="2026-03-31"),
    "recognise": lambda: recognise(8676, {"2026": (4_500, 9_500), "2027": (8_500, 9_700)}, places=0),
    "sensitivity": lambda: sensitivity(rate="0.65", issued=10_000, redeemed=4_000, worth="0.01"),
    "triangle": lambda: Triangle({"2024": (1_000, [280, 480]), "2025": (1_000, [310])}),
    "survival": lambda: survival(replayed(), until="2026-04-14", unit="beans"),
    "points_report": lambda: points_report(COFFEE_CLUB, answers("nps", 10)),
}


def drawn(report):
    ax = Figure(figsize=(6.4, 3.8)).subplots()
    assert report.plot(ax) is ax
    return ax


def heights(ax):
    return [bar.get_height() for bar in ax.patches]


def labels(ax, axis="x"):
    return [text.get_text() for text in getattr(ax, f"get_{axis}ticklabels")()]


def texts(ax):
    """All that one reads, when it is drawn."""
    ax.figure.draw_without_rendering()
    return [text.get_text() for text in ax.figure.findobj(lambda found: hasattr(found, "get_text"))]


# What is drawn ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESULTS | MORE)
def test_every_report_is_drawn_on_the_axes_that_are_given(name):
    ax = drawn((RESULTS | MORE)[name]())

    assert ax.get_title(loc="left")
    assert "nothing to show" not in texts(ax)
    assert ax.patches or ax.lines or ax.collections


def test_a_report_makes_axes_of_its_own():
    from matplotlib import pyplot as plt

    ax = RESULTS["points_flow"]().plot()
    plt.close(ax.figure)

    assert isinstance(ax, Axes)


def test_what_is_spent_and_lapses_hangs_below_the_axis():
    ax = drawn(RESULTS["points_flow"]())

    assert heights(ax) == [75, 135, 0, 33, -30, -30, -6, 0, 0, 0, -15, -129]
    assert list(ax.lines[-1].get_ydata()) == [45, 105, -21, -96]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["earned", "spent", "lapsed", "net"]


def test_what_never_was_has_no_place_in_the_legend():
    club = Program("Club", earning=PerSpend(1))
    ax = drawn(points_flow(club.replay([Activity.purchase(5, at=END, id="t-1", member="Ada")])))

    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["earned", "net"]


def test_points_are_drawn_as_people_write_them():
    club = Program("Club", points={"cash": Points(PerSpend(5), places=2, expiry=After(months=1))})
    done = club.replay([Activity.purchase(50, at=END, id="t-1", member="Ada")])

    assert heights(drawn(points_flow(done))) == [2.5]
    assert heights(drawn(expiry_wall(done))) == [2.5]
    assert heights(drawn(points_by_member(done))) == [2.5]


def test_months_have_names_and_the_year_stands_where_it_begins():
    assert labels(drawn(RESULTS["engagement"]())) == ["Jan\n2026", "Feb", "Mar", "Apr"]


@pytest.mark.parametrize(
    ("months", "expected"),
    [(18, ["Jan\n2025", "Mar", "May", "Jul", "Sep", "Nov", "Jan\n2026", "Mar", "May"]),
     (40, ["Jan\n2025", "Jul", "Jan\n2026", "Jul", "Jan\n2027", "Jul", "Jan\n2028"])],
)  # fmt: skip
def test_only_as_many_months_are_named_as_there_is_room_for(months, expected):
    names = [f"{2025 + n // 12}-{n % 12 + 1:02}" for n in range(months)]
    ax = plots.bars(Figure(figsize=(6.4, 3.8)).subplots(), names, {"earned": range(months)})

    assert labels(ax) == expected


@pytest.mark.parametrize("months", [1, 2, 5, 12, 13, 24, 37, 120])
@pytest.mark.parametrize("first", [1, 4, 12])
def test_labels_never_run_into_each_other(months, first):
    names = [f"{2025 + (n + first - 1) // 12}-{(n + first - 1) % 12 + 1:02}" for n in range(months)]
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    ax = plots.bars(figure.subplots(), names, {"earned": range(months)})
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.get_xticklabels()]

    assert boxes
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_thousands_are_grouped_and_shares_are_percent():
    many = plots.bars(Figure().subplots(), ["2026"], {"earned": [12_000]})
    share = plots.lines(Figure().subplots(), ["2026-01", "2026-02"], {"rate": [Fraction(1, 2), None]}, percent=True)

    assert "10,000" in texts(many)
    assert "50%" in texts(share)


def test_what_has_no_end_stands_apart_in_grey():
    ax = plots.bars(Figure().subplots(), ["2026-01", "never"], {"points": [3, 4]}, apart=1)
    places = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]

    assert places[1] - places[0] > 1.5
    assert [to_hex(bar.get_facecolor()) for bar in ax.patches] == [plots.COLORS[0].lower(), "#999999"]


def test_a_waterfall_leads_from_opening_to_closing():
    ax = drawn(MORE["rollforward"]())

    assert labels(ax) == ["opening", "issued", "redeemed", "lapsed", "closing"]
    assert heights(ax) == [45, 135, -36, -15, 129]
    assert [bar.get_y() for bar in ax.patches] == [0, 45, 180, 144, 0]


def test_a_matrix_says_how_many_and_what_share():
    assert {"1\n100.0%", "2\n100.0%", "no tier", "gold", "new", "at 2026-02-01", "at 2026-04-15"} <= set(
        texts(drawn(RESULTS["tier_migration"]()))
    )


def test_an_interval_reaches_from_its_low_to_its_high_end():
    report = RESULTS["nps"]()
    ax = drawn(report)
    [low, high] = ax.collections[0].get_segments()[0][:, 1]

    assert (low, high) == pytest.approx((report.rows[0].low, report.rows[0].high))


def test_many_lots_have_no_legend():
    few, many = ({f"lot {n}": [1, 2] for n in range(count)} for count in (3, 30))

    assert plots.layers(Figure().subplots(), ["a", "b"], few).get_legend() is not None
    assert plots.layers(Figure().subplots(), ["a", "b"], many).get_legend() is None


# Of nothing ---------------------------------------------------------------------------------------------------------

NOTHING = {
    "points_flow": lambda: points_flow([], at=END),
    "points_by_member": lambda: points_by_member([], at=END),
    "redemption_rates": lambda: redemption_rates([], at=END),
    "reward_mix": lambda: reward_mix([], at=END),
    "expiry_wall": lambda: expiry_wall([], at=END),
    "engagement": lambda: engagement([], at=END),
    "tier_distribution": lambda: tier_distribution([], at=END),
    "lots_over_time": lambda: lots_over_time(COFFEE_CLUB.account("Ada"), at=END),
    "nps": lambda: nps([]),
    "survival": lambda: survival([], until=END),
    "recognise": lambda: recognise(10, {}),
}


@pytest.mark.parametrize("name", NOTHING)
def test_of_nothing_there_is_a_plot_and_a_table_of_nothing(name):
    report = NOTHING[name]()

    assert "nothing to show" in texts(drawn(report))
    assert str(report)
    assert report._repr_html_()
    assert len(report.to_frame()) == 0


def test_of_nobody_there_are_bands_with_nobody_in_them():
    assert [row.members for row in balance_distribution([], at=END).rows] == [0, 0]
    assert drawn(balance_distribution([], at=END))


# Without matplotlib -------------------------------------------------------------------------------------------------


def test_without_matplotlib_the_extra_is_named_and_all_else_works():
    code = """
import sys
sys.modules["matplotlib"] = None
from loyaltycore import *
from loyaltycore.reports import page, points_flow
report = points_flow(Program("Club", earning=PerSpend(1)).replay([], at="2026-01-01"))
print("svg" in page("Club", [report]).partition("</style>")[2])
try:
    report.plot()
except LoyaltyError as error:
    print(error)
"""
    said = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()

    assert said == [
        "False",
        "loyaltycore.plots needs matplotlib, which is not installed; pip install 'loyaltycore[plot]'",
    ]


# In the docs --------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_every_plot_in_the_docs_is_drawn_by_the_code_of_its_page():
    spec = spec_from_file_location("_plots", ROOT / "docs/_plots.py")
    hook = module_from_spec(spec)
    spec.loader.exec_module(hook)
    pages = {page.name: page.read_text() for page in DOCS if "<!-- plot " in page.read_text()}

    assert pages
    for page in pages.values():
        made = hook.on_page_markdown(page)
        assert "<!-- plot " not in made
        assert made.count('<figure class="plot"><svg') == page.count("<!-- plot ")
        assert "nothing to show" not in made
