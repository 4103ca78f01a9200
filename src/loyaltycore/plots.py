"""Plots of reports: a few forms, drawn on the axes they are given. Needs the extra `plot`.

Each function takes axes and returns them, so that plots can be put side by side and changed with all that matplotlib
offers. The colours are those of Okabe and Ito (2008), which can be told apart by the colour-blind; what has an order
goes from light to dark. Of nothing there is a plot that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
import re
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

from loyaltycore.errors import MissingExtra

try:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, MaxNLocator
except ImportError as error:
    raise MissingExtra("plot", "matplotlib", "loyaltycore.plots") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#F0E442")
"""In the order in which series take them; the first stands for the main thing."""

_INK, _GREY, _LINE = "#222222", "#595959", "#DDDDDD"
_SIZE: Final = (6.4, 3.8)
_ON_PAGE: Final = (5.6, 3.5)
"""Smaller, so that letters are not too small where a page is narrow."""
_FONT: Final = 9
_CHARACTER: Final = 0.075
"""How wide a character of a label is, in inches."""
_USUAL: Final = 8
"""So many characters of the names beside the axes have room in any case."""
_ROW: Final = 15
"""How high a row of a legend is, in points."""
_METADATA: Final = ("Creator", "Date", "Format", "Type")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAST_ROWS: Final = 4
"""Bars are no thicker than if there were about so many."""
_MOST_NAMED: Final = 8
"""More series than these have no legend, as nobody could tell them apart."""
_MOST_ROWS: Final = 3
"""A legend of more rows would leave no room for the plot."""


# Axes ---------------------------------------------------------------------------------------------------------------


def axes(ax: Axes | None = None) -> Axes:
    """These axes, or new ones in a figure of their own, which a notebook shows."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=_SIZE, layout="constrained")[1]


def svg(plot: Callable[[Axes], object], *, salt: str = "plot") -> str:
    """What *plot* draws, as an element of HTML; names in it differ by *salt*, so that a page can have several.

    >>> from loyaltycore import plots
    >>> plots.svg(lambda ax: plots.bars(ax, ["2026-01"], {"earned": [40]})).startswith("<svg")
    True
    """
    file = StringIO()
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": "path"}):
        figure = Figure(figsize=_ON_PAGE, layout="constrained")
        plot(figure.subplots())
        figure.savefig(file, format="svg", metadata=dict.fromkeys(_METADATA), transparent=True)
    drawn = file.getvalue()
    drawn = drawn[drawn.index("<svg") :].strip()  # without what only a file of its own begins with
    drawn = re.sub(r' (?:width|height)="[\d.]+pt"', "", drawn, count=2)  # the page says how large it is
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', drawn))
    drawn = re.sub(r' id="([^"]+)"', lambda found: f' id="{salt}-{found[1]}"' if found[1] in used else "", drawn)
    return re.sub(r'(href="|url\()#', rf"\1#{salt}-", drawn)


# Bars ---------------------------------------------------------------------------------------------------------------


def bars(
    ax: Axes,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    apart: int = 0,
    title: str = "",
    unit: str = "",
) -> Axes:
    """A bar for each label, side by side where there are several series; the last *apart* labels stand apart.

    >>> from matplotlib.figure import Figure
    >>> from loyaltycore import plots
    >>> ax = plots.bars(Figure().subplots(), ["2026-01", "2026-02"], {"earned": [40, 60]}, unit="points")
    >>> [int(bar.get_height()) for bar in ax.patches]
    [40, 60]
    """
    if not labels:
        return _nothing(ax, title)
    places = _places(len(labels), apart)
    width = 0.8 / len(series)
    for n, (name, values) in enumerate(series.items()):
        left = [place - 0.4 + width * (n + 0.5) for place in places]
        colors = [COLORS[n]] * (len(labels) - apart) + ["#999999"] * apart
        ax.bar(left, list(values), width=width * 0.92, color=colors, label=name)
    _labelled(ax, labels, places, apart)
    return _dressed(ax, title, unit)


def stacked(
    ax: Axes,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    line: tuple[str, Sequence[float]] | None = None,
    title: str = "",
    unit: str = "",
) -> Axes:
    """Bars on top of each other, those below 0 below the axis, and a line over them."""
    if not labels:
        return _nothing(ax, title)
    places = _places(len(labels))
    above, below = [0.0] * len(labels), [0.0] * len(labels)
    drawn = {name: values for name, values in series.items() if any(values)} or dict([*series.items()][:1])
    for n, (name, values) in enumerate(drawn.items()):
        floor = [below[i] if value < 0 else above[i] for i, value in enumerate(values)]
        ax.bar(places, list(values), bottom=floor, width=0.74, color=COLORS[n], label=name)
        above = [top + max(0, value) for top, value in zip(above, values, strict=True)]
        below = [low + min(0, value) for low, value in zip(below, values, strict=True)]
    ax.axhline(0, color=_GREY, linewidth=0.8)
    if line is not None:
        name, along = line
        ax.plot(places, list(along), color=_INK, linewidth=1.6, marker="o", markersize=3.5, label=name)
    ax.use_sticky_edges = False  # the line would be cut off at the highest bar
    _labelled(ax, labels, places)
    return _dressed(ax, title, unit)


def layers(
    ax: Axes, labels: Sequence[str], series: Mapping[str, Sequence[float]], *, title: str = "", unit: str = ""
) -> Axes:
    """Bars on top of each other of series that have an order, from light to dark."""
    if not labels or not series:
        return _nothing(ax, title)
    places, floor = _places(len(labels)), [0.0] * len(labels)
    for (name, values), color in zip(series.items(), _shades(len(series)), strict=True):
        ax.bar(places, list(values), bottom=floor, width=0.8, color=color, edgecolor="white", linewidth=0.4, label=name)
        floor = [low + value for low, value in zip(floor, values, strict=True)]
    _labelled(ax, labels, places)
    return _dressed(ax, title, unit)


def ranked(ax: Axes, values: Mapping[str, float], notes: Sequence[str], *, title: str = "", unit: str = "") -> Axes:
    """A bar across for each name, the first on top, with a note at its end."""
    if not values:
        return _nothing(ax, title)
    places = range(len(values))
    drawn = ax.barh(places, list(values.values()), height=0.72, color=COLORS[0])
    ax.bar_label(drawn, list(notes), padding=4, fontsize=_FONT, color=_GREY)
    ax.set_ylim(max(len(values), _LEAST_ROWS) - 0.5, -0.5)
    ax.margins(x=0.14 if min(values.values()) >= 0 else 0.26)  # room for the notes, on both sides if need be
    names = [_short(name) for name in values]
    _dressed(ax, title, "", beside=names)
    ax.set_yticks(places, names)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=_LINE, linewidth=0.8)
    ax.spines["bottom"].set_visible(False)
    ax.set_xlabel(unit, color=_GREY, fontsize=_FONT)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(_number))
    return ax


def waterfall(ax: Axes, steps: Mapping[str, float], *, totals: Sequence[str], title: str = "", unit: str = "") -> Axes:
    """How changes lead from one total to another: *totals* name the steps that stand on the ground."""
    if not steps:
        return _nothing(ax, title)
    height = 0.0
    for n, (name, value) in enumerate(steps.items()):
        if name in totals:
            ax.bar(n, value, width=0.7, color=COLORS[6])
            height = value
        else:
            ax.bar(n, value, bottom=height, width=0.7, color=COLORS[0] if value >= 0 else COLORS[5])
            height += value
        top = max(height, height - (0 if name in totals else value))
        ax.annotate(f"{value:,.0f}" if name in totals else f"{value:+,.0f}", (n, top), xytext=(0, 3), color=_GREY,
                    textcoords="offset points", ha="center", fontsize=_FONT - 1)  # fmt: skip
    ax.axhline(0, color=_GREY, linewidth=0.8)
    ax.set_xticks(range(len(steps)), list(steps))
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.1 * (high - low))  # room for the number on the highest
    return _dressed(ax, title, unit)


# Lines --------------------------------------------------------------------------------------------------------------


def lines(
    ax: Axes,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Any]],
    *,
    title: str = "",
    unit: str = "",
    percent: bool = False,
    ordered: bool = False,
) -> Axes:
    """A line for each series; where a value is `None` it is broken.

    *percent* shows shares as such; series that are *ordered* go from light to dark.
    """
    if not labels:
        return _nothing(ax, title)
    places = _places(len(labels))
    for n, (name, values) in enumerate(series.items()):
        known = [float("nan") if value is None else float(value) for value in values]
        color = _shades(len(series))[n] if ordered else COLORS[n]
        ax.plot(places[: len(known)], known, color=color, linewidth=1.8, marker="o", markersize=3.5, label=name)
    _labelled(ax, labels, places)
    ax.set_ylim(bottom=0)
    return _dressed(ax, title, unit, percent=percent)


def intervals(
    ax: Axes,
    labels: Sequence[str],
    points: Sequence[tuple[float, float, float]],
    *,
    title: str = "",
    unit: str = "",
    what: str = "",
) -> Axes:
    """A point for each label, and around it the interval from its second number to its third."""
    if not labels:
        return _nothing(ax, title)
    places = _places(len(labels))
    middle = [point for point, _, _ in points]
    ends = [[point - low for point, low, _ in points], [high - point for point, _, high in points]]
    ax.errorbar(places, middle, yerr=ends, fmt="none", ecolor=COLORS[4], elinewidth=5, alpha=0.7, label=what)
    ax.plot(places, middle, color=COLORS[0], marker="o", markersize=5, linestyle="none", label=unit)
    _labelled(ax, labels, places)
    return _dressed(ax, title, unit)


# Matrices -----------------------------------------------------------------------------------------------------------


def matrix(
    ax: Axes,
    rows: Sequence[str],
    columns: Sequence[str],
    shares: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    *,
    title: str = "",
    down: str = "",
    across: str = "",
) -> Axes:
    """Squares with texts, the darker the larger their share of the row; *down* and *across* say what they are of."""
    if not rows or not columns:
        return _nothing(ax, title)
    edges = [[n - 0.5 for n in range(len(names) + 1)] for names in (columns, rows)]
    ax.pcolormesh(*edges, shares, cmap="Blues", vmin=0, vmax=1.25, edgecolors="white", linewidth=1)
    ax.invert_yaxis()
    for i, line in enumerate(texts):
        for k, text in enumerate(line):
            dark = shares[i][k] > 0.6  # noqa: PLR2004 (where white is read better than black)
            ax.text(k, i, text, ha="center", va="center", fontsize=_FONT, color="white" if dark else _INK)
    names = [_short(name) for name in rows]
    _dressed(ax, title, down, beside=names)
    ax.set_xlabel(across, color=_GREY, fontsize=_FONT)
    ax.set_xticks(range(len(columns)), [_short(name) for name in columns])
    ax.set_yticks(range(len(rows)), names)
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)
    return ax


# The style ----------------------------------------------------------------------------------------------------------


def _legend(ax: Axes) -> int:
    """A legend above the axes if there are several series, lines last; how many rows it has."""
    found = sorted(zip(*ax.get_legend_handles_labels(), strict=True), key=lambda each: isinstance(each[0], Line2D))
    if not 1 < len(found) <= _MOST_NAMED:
        return 0
    handles, names = zip(*found, strict=True)
    columns = max(1, int(_width(ax) / (_CHARACTER * max(map(len, names)) + 0.4)))
    rows = -(-len(names) // columns)
    if rows > _MOST_ROWS:
        return 0
    ax.legend(
        handles, names, loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=columns, frameon=False, fontsize=_FONT,
        labelcolor=_GREY, borderaxespad=0.2, handlelength=1.2, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip
    return rows


def _dressed(ax: Axes, title: str, unit: str, *, percent: bool = False, beside: Sequence[str] = ()) -> Axes:
    """The style that all plots share: no frame, light lines behind, thousands grouped, a legend below the title.

    Names that stand *beside* the axes take room from the title.
    """
    pad = 8 + _ROW * _legend(ax)
    less = max(0, max(map(len, beside), default=0) - _USUAL)
    wrapped = fill(title, max(20, int(_width(ax) / _CHARACTER) - less))
    ax.set_title(wrapped, loc="left", fontsize=_FONT + 1.5, fontweight="bold", color=_INK, pad=pad)
    ax.set_ylabel(unit, color=_GREY, fontsize=_FONT)
    ax.tick_params(colors=_GREY, labelsize=_FONT, length=0)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_LINE)
    ax.grid(visible=True, axis="y", color=_LINE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(_percent if percent else _number))
    return ax


def _nothing(ax: Axes, title: str) -> Axes:
    """What is drawn where there is nothing to draw."""
    ax.text(0.5, 0.5, "nothing to show", ha="center", va="center", transform=ax.transAxes, color=_GREY)
    _dressed(ax, title, "")
    ax.set_xticks([])
    ax.set_yticks([])
    return ax


def _places(n: int, apart: int = 0) -> list[float]:
    """Where on the axis so many labels are; the last *apart* of them after a gap."""
    gap = 0.6 if 0 < apart < n else 0.0
    return [i + (gap if i >= n - apart else 0.0) for i in range(n)]


def _labelled(ax: Axes, labels: Sequence[str], places: Sequence[float], apart: int = 0) -> None:
    """Labels below the axis, as many as there is room for: months by their names, with the year where it begins."""
    begin = labels[: len(labels) - apart]
    months = [re.fullmatch(r"(\d{4})-(\d\d)", label) for label in begin]
    size = 4 if all(months) else max(map(len, labels))
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, len(labels)) if
                len(labels) / step * _CHARACTER * (size + 1) <= _width(ax) or step >= len(labels))  # fmt: skip
    shown: dict[int, str] = {}
    year = ""
    for i, label in enumerate(begin):
        month = months[i]
        if month is None or not all(months):
            if i % step == 0:
                shown[i] = label
        elif (int(month[2]) - 1) % step == 0 if step <= len(_MONTHS) else i % step == 0:
            shown[i] = _MONTHS[int(month[2]) - 1] + ("" if month[1] == year else f"\n{month[1]}")
            year = month[1]
    shown.update(dict(enumerate(labels[len(begin) :], start=len(begin))))
    ax.set_xticks([places[i] for i in shown], list(shown.values()))
    beside = 0.6 + max(0, _LEAST_ROWS + 1 - len(labels)) / 2
    ax.set_xlim(places[0] - beside, places[-1] + beside)


def _width(ax: Axes) -> float:
    """About how wide the axes are, in inches."""
    figure: Any = ax.get_figure()
    width: float = figure.get_size_inches()[0] * ax.get_position().width
    return width


def _shades(n: int) -> list[Any]:
    """Colours from light to dark."""
    colors = mpl.colormaps["YlGnBu"]
    return [colors(0.2 + 0.75 * i / max(1, n - 1)) for i in range(n)]


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _number(value: float, _: object = None) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.4g}"


def _percent(value: float, _: object = None) -> str:
    return f"{100 * value:,.0f}%" if abs(100 * value - round(100 * value)) < 1e-6 else f"{100 * value:,.1f}%"  # noqa: PLR2004 (floats)
