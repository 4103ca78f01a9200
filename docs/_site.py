"""What MkDocs, and Griffe, which reads the sources without running them, do not do by themselves."""

from importlib import import_module
from inspect import Parameter, formatannotation, isabstract, signature
from pathlib import Path
import re
from typing import Any

import attrs
import griffe
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Show examples with their output as a console, and what other files say where a page includes them."""
    included = re.sub(
        r"^<!-- include ([\w/.]+) -->$", lambda mark: _included(mark[1], page), markdown, flags=re.MULTILINE
    )
    return _console(included.replace("```python\n>>>", "```pycon\n>>>"))


def _included(name: str, page: Page) -> str:
    """A Markdown file of the project without its title, its links to the docs as seen from the page."""
    text = (ROOT / name).read_text().partition("\n")[2]
    to_docs = "../" * page.file.src_uri.count("/")
    return text.replace("](../docs/", f"]({to_docs}").strip()


class Docstrings(griffe.Extension):
    """Examples as code, and the signatures that attrs writes."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Put `>>>` examples into fences: Markdown would read them as quotes."""
        if obj.docstring:
            obj.docstring.value = "\n\n".join(map(_fenced, obj.docstring.value.split("\n\n")))

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Give a class the `__init__` that attrs made from its fields."""
        if "__init__" in cls.members or cls.module.name.startswith("_"):
            return
        real = getattr(import_module(cls.module.path), cls.name)
        if attrs.has(real) and not isabstract(real):
            parameters = map(_parameter, signature(real).parameters.values())
            cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*parameters)))


def _parameter(of: Parameter) -> griffe.Parameter:
    return griffe.Parameter(
        of.name,
        annotation=None if of.annotation is of.empty else formatannotation(of.annotation).strip("'"),
        kind=griffe.ParameterKind(of.kind.description),
        default=None if of.default is of.empty else repr(of.default),
    )


def _fenced(paragraph: str) -> str:
    return _console(f"```pycon\n{paragraph}\n```") if paragraph.startswith(">>>") else paragraph


def _console(text: str) -> str:
    return text.replace("<BLANKLINE>\n", "\n")  # doctest's mark for an empty line of output
