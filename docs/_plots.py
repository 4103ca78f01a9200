"""Plots in pages: `<!-- plot wall -->` shows what the page's own `wall` draws, made when the site is built."""

from contextlib import redirect_stdout
from doctest import script_from_examples
from io import StringIO
import re
from typing import Any

from loyaltycore import plots

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLOT = re.compile(r"^<!-- plot (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Run the blocks of a page that has plots, and put them in."""
    if not _PLOT.search(markdown):
        return markdown
    names: dict[str, Any] = {"__name__": "page"}
    with redirect_stdout(StringIO()):
        for block in _BLOCK.findall(markdown):
            exec(script_from_examples(block) if block.startswith(">>>") else block, names)  # noqa: S102 (our own)
    return _PLOT.sub(lambda mark: _drawn(mark[1], names[mark[1]]), markdown)


def _drawn(name: str, report: Any) -> str:
    """A plot as one line of HTML, which Markdown leaves alone."""
    return f'<figure class="plot">{" ".join(plots.svg(report.plot, salt=name).split())}</figure>'
