"""The notebooks of `examples/notebooks` as pages: run when the site is built, and shown with what came out."""

from collections.abc import Iterator
from functools import cache
from itertools import chain, groupby
import os
from pathlib import Path
from typing import Any

import jupytext
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parent.parent / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
SECONDS = 300
"""How long a cell may take."""
IN_PAGE = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "HYPOTHESIS_STORAGE_DIRECTORY": str(FOLDER.parent.parent / ".hypothesis"),
}
"""Plots are drawn into the page, whatever they are drawn into elsewhere, and nothing is left beside the notebooks."""


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add a page for each notebook."""
    for path in NOTEBOOKS:
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page_of(path.name, path.read_text())))
    return files


@cache  # while pages are being written, only the notebooks that change run again
def page_of(name: str, source: str) -> str:
    """The page of a notebook: its text, its code and its output."""
    title, *rest = executed(source).cells
    heading, _, text = title.source.partition("\n")
    origin = f"*This page is `examples/notebooks/{name}`, as it ran; [how to run it yourself](index.md).*"
    return "\n\n".join([heading, origin, text.strip(), *chain.from_iterable(map(_shown, rest))])


def executed(source: str) -> NotebookNode:
    """The notebook with the output of each cell; what raises, raises here, too."""
    notebook = jupytext.reads(source, "py:percent")
    quiet = ["--log-level=ERROR"]  # a kernel would warn that others on this machine can listen to it
    client = NotebookClient(
        notebook, timeout=SECONDS, extra_arguments=quiet, resources={"metadata": {"path": str(FOLDER)}}
    )
    return client.execute(env={**os.environ, **IN_PAGE})


def _shown(cell: NotebookNode) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    pictured = any("image/png" in output.get("data", {}) for output in cell.outputs)
    shown = [output for output in cell.outputs if not (pictured and set(output.get("data", {})) == {"text/plain"})]
    for stream, outputs in groupby(shown, key=lambda output: output.output_type == "stream"):
        if stream:
            printed = "".join(output.text for output in outputs)
            yield f"```text\n{printed.rstrip()}\n```"
        else:
            yield from map(_output, outputs)


def _output(output: NotebookNode) -> str:
    data = output.data
    if "text/html" in data:
        return f'<div class="output">\n{data["text/html"]}\n</div>'
    if "image/png" in data:
        picture = data["image/png"].replace("\n", "")
        return f'<p><img alt="The plot of the cell above" src="data:image/png;base64,{picture}"></p>'
    return f"```text\n{data['text/plain']}\n```"
