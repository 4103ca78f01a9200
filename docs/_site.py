"""What MkDocs, and Griffe, which reads the sources without running them, do not do by themselves."""

from importlib import import_module
from inspect import Parameter, formatannotation, isabstract, signature
from typing import Any

import attrs
import griffe


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Show examples with their output as a console."""
    return _console(markdown.replace("```python\n>>>", "```pycon\n>>>"))


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
