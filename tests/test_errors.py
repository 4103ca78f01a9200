"""Errors: one root, each also the built-in it specialises, with fields, and whole after a pickle."""

import pickle

import pytest

from loyaltycore import *


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (InexactNumber, TypeError),
        (RuleError, ValueError),
        (TruthValue, TypeError),
        (Conflict, ValueError),
        (DataError, ValueError),
        (MissingExtra, ImportError),
    ],
)
def test_an_error_is_a_loyalty_error_and_the_built_in_it_specialises(error, builtin):
    assert issubclass(error, LoyaltyError)
    assert issubclass(error, builtin)
    assert issubclass(LoyaltyWarning, UserWarning)


@pytest.mark.parametrize(
    ("make", "errors"),
    [
        (lambda: PerSpend(1.5), (LoyaltyError, TypeError)),
        (lambda: PerSpend(-1), (LoyaltyError, ValueError)),
        (lambda: bool(PerSpend(1)), (LoyaltyError, TypeError)),
        (lambda: Activity.purchase(-1, at="2026-03-01"), (LoyaltyError, ValueError)),
    ],
    ids=["a float", "below 0", "a truth value", "a refund"],
)
def test_code_that_knows_nothing_of_loyalty_catches_them_too(make, errors):
    for error in errors:
        with pytest.raises(error):
            make()


def test_a_data_error_has_its_place():
    error = DataError("it is wrong; mend it", "$.points.stars")
    assert (error.message, error.path, str(error)) == (
        "it is wrong; mend it",
        "$.points.stars",
        "$.points.stars: it is wrong; mend it",
    )
    assert str(DataError("it is wrong; mend it")) == "it is wrong; mend it"


def test_a_missing_extra_says_what_to_install():
    error = MissingExtra("frames", "polars")
    assert str(error) == "loyaltycore.frames needs polars, which is not installed; pip install 'loyaltycore[frames]'"
    assert (error.extra, error.package, error.module) == ("frames", "polars", "loyaltycore.frames")
    assert str(MissingExtra("plot", "matplotlib", "report.plot()")).startswith("report.plot() needs matplotlib")


@pytest.mark.parametrize(
    "error",
    [
        RuleError("no; yes"),
        InexactNumber("no; yes"),
        TruthValue("no; yes"),
        Conflict("no; yes"),
        DataError("no; yes", "$.x"),
        MissingExtra("frames", "polars"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_pickle(error):
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    assert type(twin) is type(error)
    assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))
