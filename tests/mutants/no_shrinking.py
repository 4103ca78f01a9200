"""A pytest plugin: where only the fact of a failure matters, Hypothesis need not look for the smallest one."""

from hypothesis import Phase, settings


def pytest_sessionstart():
    """Keep the profile that `conftest.py` has loaded, without shrinking."""
    settings.register_profile("no shrinking", settings(phases=[Phase.explicit, Phase.generate], database=None))
    settings.load_profile("no shrinking")
