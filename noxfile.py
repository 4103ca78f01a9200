"""The parts of `.ci/run` one by one, and the tests on newer Pythons: `nox`, or `nox -s typing`."""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The tests and the examples in the docs; arguments after `--` go to pytest."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and its format."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def typing(session: nox.Session) -> None:
    """Strict types in `src`."""
    session.install("-e", ".[dev]")
    session.run("mypy", "--strict", "src")


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in `site/`."""
    session.install("-e", ".[dev]")
    session.run("mkdocs", "build", "--strict")


@nox.session
def mutants(session: nox.Session) -> None:
    """Bugs planted on purpose, which the tests of the ledger must catch; some minutes, so not a part of `.ci/run`."""
    session.install("-e", ".[dev]")
    session.run("python", "tests/mutants/run.py", *session.posargs)
