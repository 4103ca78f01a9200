"""One page of HTML with tables and plots: all that it needs is in the file, and it reads well on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
import re
from typing import Any, Final

_STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0; background: #f6f6f4; color: #222; font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0; }
h2, h4 { font-size: 1rem; line-height: 1.4; margin: 0 0 .5rem; }
h1, h2, h4, p { overflow-wrap: anywhere; }
section { background: #fff; border: 1px solid #e4e4e0; border-radius: 8px; padding: 1rem; margin: 1rem 0; }
section > :last-child { margin-bottom: 0; }
figure { margin: 0 0 1rem; }
svg { display: block; width: 100%; max-width: 42rem; height: auto; margin: 0 auto; }
.wide { overflow: auto; max-height: 32rem; margin: 0 0 1rem; }
table { border-collapse: separate; border-spacing: 0; min-width: 50%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid #ececea; white-space: nowrap; background: #fff; }
th { position: sticky; top: 0; z-index: 1; text-align: right; color: #555; border-bottom: 1px solid #bbb; }
th:first-child, td:first-child { position: sticky; left: 0; text-align: left; }
th:first-child { z-index: 2; }
td:first-child { white-space: normal; min-width: 6rem; overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: .25rem; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  main { padding: .5rem; }
  section { padding: .75rem; }
  figure { margin: 0 -.5rem .75rem; }
}
@media print {
  body { background: #fff; }
  section { break-inside: avoid; border: 0; padding: 0; }
  .wide { max-height: none; overflow: visible; }
}
"""


def page(title: str, parts: Iterable[Any]) -> str:
    """A page as text, to be written to a file as UTF-8.

    Each of *parts* is text, which becomes a paragraph, or anything that shows itself in a notebook by `_repr_html_`,
    which becomes a section: its plot above its tables, if it has a `plot(ax)` and matplotlib is installed. The page
    asks for nothing from elsewhere, and has no scripts.

    >>> from loyaltycore._page import page
    >>> "<h1>Points &amp; more</h1>" in page("Points & more", ["Two numbers."])
    True
    """
    shown = "\n".join(_text(part) if isinstance(part, str) else _section(part, n) for n, part in enumerate(parts))
    name = escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n{shown}\n</main>\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _section(part: Any, n: int) -> str:
    tables = re.sub(r"<table[^>]*>(?:<caption[^>]*>(.*?)</caption>)?", _heading, part._repr_html_(), flags=re.DOTALL)
    return f"<section>\n{_drawn(part, n)}{tables.replace('</table>', '</table></div>')}\n</section>"


def _heading(table: re.Match[str]) -> str:
    """A table begins: its caption stands above, as a wide table is scrolled within its frame."""
    return f'{f"<h2>{table[1]}</h2>" if table[1] else ""}<div class="wide"><table>'


def _drawn(part: Any, n: int) -> str:
    """The plot as SVG; nothing where there is none, or nothing to draw it with."""
    if not hasattr(part, "plot"):
        return ""
    try:
        from loyaltycore import plots
    except ImportError:
        return ""
    return f"<figure>{plots.svg(part.plot, salt=f'plot{n}')}</figure>\n"
