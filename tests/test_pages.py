"""Pages of HTML: one file without anything from elsewhere, that is read well on a desk and on a phone."""

from functools import cache
from html.parser import HTMLParser
import os
from pathlib import Path
import re
import shutil
import subprocess

import pytest
from test_account_reports import END, RESULTS, replayed

from loyaltycore import *
from loyaltycore.cli import main
from loyaltycore.reports import overview, page, points_flow

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NO_CHROMIUM = "no Chromium, which shows pages; install Debian's chromium"
EXAMPLES = Path(__file__).parents[1] / "examples"
SALES = [str(EXAMPLES / "transactions.csv"), "--program", str(EXAMPLES / "classic.toml")]

COMMANDS = {
    "report": ["report", *SALES],
    "statement": ["statement", *SALES, "--member", "1039", "--at", "2017-04-01"],
    "liability": ["liability", *SALES, "--since", "2017-03-01", "--until", "2017-03-31", "--price", "0.01"],
}


@cache
def written(folder, name):
    """The page of a command, and of all reports of a club that has everything."""
    file = folder / f"{name}.html"
    if name == "all":
        parts = ["What a member of the club is told.", *(make() for make in RESULTS.values())]
        file.write_text(page("Coffee Club: all of it", parts), encoding="utf-8")
    else:
        assert main([*COMMANDS[name], "--html", str(file)]) == 0
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


class Read(HTMLParser):
    """The elements of a page, and whether each that is opened is closed."""

    VOID = ("meta", "use", "path", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", [*COMMANDS, "all"])
def test_a_page_is_one_file_that_asks_for_nothing(name, folder, capsys):
    text = written(folder, name).read_text(encoding="utf-8")
    read = Read(text)
    ids = [attributes["id"] for _, attributes in read.found if "id" in attributes]
    named = [
        value
        for _, attributes in read.found
        for key, value in attributes.items()
        if key in ("src", "href", "xlink:href", "srcset", "action", "data")
    ]

    assert read.open == []
    assert {tag for tag, _ in read.found}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert all(value.startswith("#") for value in named)
    assert {value[1:] for value in named} <= set(ids)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert "@import" not in text


def test_a_page_has_a_heading_text_tables_and_plots():
    text = page("Tom & Jerry", ["It is <fine>.", points_flow(replayed())])

    assert "<title>Tom &amp; Jerry</title>" in text
    assert "<h1>Tom &amp; Jerry</h1>" in text
    assert "<p>It is &lt;fine&gt;.</p>" in text
    assert "<h2>Coffee Club: beans earned, spent and lapsed by month</h2>" in text
    assert text.count("<svg") == text.count('<div class="wide"><table>') == 1


def test_what_shows_itself_in_a_notebook_can_stand_on_a_page():
    statement = replayed().account("Ada").statement(at=END)

    assert "statement of Ada" in page("Ada", [statement])


def test_a_page_is_the_same_whenever_it_is_written():
    assert page("Club", overview(replayed())) == page("Club", overview(replayed()))


def test_an_overview_shows_what_there_is_to_say():
    names = [type(part).__name__ for part in overview(replayed())]
    bare = Program("Club", earning=PerSpend(1)).replay([Activity.purchase(5, at=END, id="t", member="Ada")])

    assert names == [
        "PointsFlow", "ExpiryWall", "RedemptionRates", "RewardMix", "BalanceDistribution", "Engagement",
        "TierDistribution",
    ]  # fmt: skip
    assert [type(part).__name__ for part in overview(bare)] == ["PointsFlow", "BalanceDistribution", "Engagement"]
    assert overview([], at=END) == ()


def test_the_command_prints_as_it_does_without_a_page(tmp_path, capsys):
    main(COMMANDS["liability"])
    without = capsys.readouterr()
    main([*COMMANDS["liability"], "--html", str(tmp_path / "page.html")])

    assert capsys.readouterr() == without


def test_the_page_of_a_liability_holds_its_lines_and_its_journal(folder):
    text = written(folder, "liability").read_text(encoding="utf-8")

    assert "tie-out" in text
    assert "journal, 2 lines, 70.82 on each side" in text
    assert "at the end of 2017-03-31, by month of expiry" in text


def test_the_page_of_an_empty_file_has_a_report_of_nothing(tmp_path):
    (tmp_path / "sales.csv").write_text("member,date,amount\n")
    sales = [str(tmp_path / "sales.csv"), "--program", str(EXAMPLES / "classic.toml")]

    assert main(["report", *sales, "--html", str(tmp_path / "page.html")]) == 0
    assert (
        "nothing to show" in (tmp_path / "page.html").read_text() or "0 members" in (tmp_path / "page.html").read_text()
    )


def test_that_a_page_has_no_plots_is_said(tmp_path, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "loyaltycore.plots")
    monkeypatch.delattr("loyaltycore.plots")

    assert main([*COMMANDS["liability"], "--html", str(tmp_path / "page.html")]) == 0
    assert "page.html has no plots: loyaltycore.plots needs matplotlib" in capsys.readouterr().err
    assert "<svg" not in (tmp_path / "page.html").read_text(encoding="utf-8")


# In a browser -------------------------------------------------------------------------------------------------------

MEASURE = """
<script>
addEventListener("load", () => {
  const wide = [...document.querySelectorAll("main *")].filter(e =>
    !e.closest(".wide, svg") && e.getBoundingClientRect().right > innerWidth + 0.5);
  const cut = [...document.querySelectorAll(".wide")].filter(e => getComputedStyle(e).overflowX != "auto");
  const drawn = [...document.querySelectorAll("svg")].map(e => e.getBoundingClientRect());
  document.body.dataset.seen = JSON.stringify({
    width: innerWidth, scroll: document.documentElement.scrollWidth, wide: wide.map(e => e.outerHTML.slice(0, 80)),
    cut: cut.length, narrow: drawn.filter(box => box.width < 250 || box.height < 120).length, plots: drawn.length,
  });
});
</script>
"""


def seen(file, width):
    """What a browser makes of a page at a width, measured in it."""
    import json

    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    measured = file.with_name(f"{file.stem}-{width}.html")
    # a window is no narrower than 500 pixels, a frame in it is
    inner = file.with_name(f"{file.stem}-measured.html")
    inner.write_text(file.read_text(encoding="utf-8").replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    measured.write_text(
        f'<body><iframe id="page" width="{width}" height="900" src="{inner.name}"></iframe><script>'
        'addEventListener("load", () => { document.body.dataset.seen ='
        ' document.getElementById("page").contentDocument.body.dataset.seen; });</script></body>',
        encoding="utf-8",
    )
    dumped = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={file.parent / 'profile'}", "--virtual-time-budget=5000", "--dump-dom", measured.as_uri()],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    from html import unescape

    return json.loads(unescape(re.search(r'<body data-seen="([^"]*)"', dumped)[1]))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", [*COMMANDS, "all"])
def test_nothing_runs_off_the_side(name, width, folder, capsys):
    found = seen(written(folder, name), width)

    assert found["width"] == width
    assert found["scroll"] <= width
    assert (found["wide"], found["cut"], found["narrow"]) == ([], 0, 0)
    assert found["plots"] > 0
