"""What every test run shares: the examples in the docs, the names in docstrings, how hard Hypothesis tries."""

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from doctest import ELLIPSIS
import os
import shutil
import sys
from types import ModuleType
from typing import Any

from hypothesis import Phase, is_hypothesis_test, settings
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

os.environ.setdefault("MPLBACKEND", "Agg")  # plots are drawn, and no window is opened


class _Page(ModuleType):
    """A page as a module: its classes belong to one, as a script's do, and so can be pickled."""

    names: dict[str, Any]
    own_classes: AbstractContextManager[None]

    def __getattr__(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        raise AttributeError(name)


@contextmanager
def _forgotten_after() -> Iterator[None]:
    """Own classes made meanwhile give their kinds and names back, or those of one test would clash with another's."""
    from loyaltycore._strategy import CLASHES, KINDS, NAMES

    before = [(table, dict(table)) for table in (KINDS, NAMES, CLASHES)]
    yield
    for table, known in before:
        table.clear()
        table.update(known)


def _begin_page(names: dict[str, Any]) -> None:
    """Give the names of a page a module of their own."""
    page = sys.modules["page"] = _Page("page")
    page.names = names
    names["__name__"] = page.__name__
    names["no_java"] = not (os.environ.get("JAVA_HOME") or shutil.which("java"))
    page.own_classes = _forgotten_after()
    page.own_classes.__enter__()
    settings.load_profile("docs")


def _end_page(names: dict[str, Any]) -> None:
    """Let go of what the page defined."""
    sys.modules[names["__name__"]].own_classes.__exit__(None, None, None)
    settings.load_profile(_PROFILE)


# Each ```python block of the README and the docs is run, a page's blocks one after the other in one namespace.
# A block that starts with `>>>` is checked against the output it shows. A page imports what it uses.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS), SkipParser()],
    pattern="*.md",
    setup=_begin_page,
    teardown=_end_page,
).pytest()

# the workers of Spark run what the tests do
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
settings.register_profile("docs", deadline=None, derandomize=True)  # what a page shows must be found each time
_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
settings.load_profile(_PROFILE)


@pytest.fixture(autouse=True, scope="session")
def _public_names(doctest_namespace: dict[str, Any]) -> None:
    """A docstring's example may use every public name without importing it."""
    import loyaltycore

    doctest_namespace.update({name: getattr(loyaltycore, name) for name in loyaltycore.__all__})


def _is_measured() -> bool:
    """Whether coverage watches which lines are run."""
    coverage = sys.modules.get("coverage")
    return coverage is not None and coverage.Coverage.current() is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Count as covered what tests cover by chosen examples: to watch drawn ones and pages takes three times as long."""
    chosen = isinstance(item, pytest.Function) and not is_hypothesis_test(item.obj)
    watching = sys.gettrace() if _is_measured() else None  # a debugger is left alone
    if watching is None or (chosen and not item.get_closest_marker("long")):
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(watching)


@pytest.fixture(autouse=True)
def _own_classes() -> Iterator[None]:
    with _forgotten_after():
        yield
