"""The notebooks run from top to bottom, and become pages of the docs."""

import importlib.util
import re

from nbclient.exceptions import CellExecutionError
from pages import ROOT
import pytest

spec = importlib.util.spec_from_file_location("_notebooks", ROOT / "docs" / "_notebooks.py")
site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(site)


@pytest.mark.parametrize("path", site.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_warns_of_nothing(path):
    notebook = site.executed(path.read_text())  # a cell that raises, raises here

    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_the_index_lists_every_notebook():
    listed = re.findall(r"\((\w+)\.md\)", (ROOT / "docs/notebooks/index.md").read_text())

    assert sorted(listed) == [path.stem for path in site.NOTEBOOKS]


NOTEBOOK = """\
# %% [markdown]
# # A title
#
# Some text.

# %%
print("printed")
print("more")
1 + 1

# %%
class Table:
    def _repr_html_(self):
        return "<table></table>"


Table()

# %%
import matplotlib.pyplot as plt

plt.figure(figsize=(1, 1)).gca()
"""


def test_a_page_has_what_came_out():
    page = site.page_of("some.py", NOTEBOOK)

    assert page.startswith("# A title\n\n*This page is `examples/notebooks/some.py`")
    assert (
        '```python\nprint("printed")\nprint("more")\n1 + 1\n```\n\n```text\nprinted\nmore\n```\n\n```text\n2\n```'
        in page
    )
    assert '<div class="output">\n<table></table>\n</div>' in page
    assert page.count('src="data:image/png;base64,') == 1
    assert "Axes" not in page


def test_a_cell_that_raises_stops_the_page():
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        site.executed("# %%\n1 / 0\n")
