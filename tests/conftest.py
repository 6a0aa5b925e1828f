"""Says what to install where the self-tests cannot run, and makes property tests the same on every machine."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterable
from importlib.util import find_spec

import pytest

import conformance.model

pytest_plugins = ("pytester",)

NEEDED = ("hypothesis", "lightkube", "xdist", "pytest_timeout")
"""What the tests import beyond what a run of the suite needs."""


def absent(modules: Iterable[str]) -> list[str]:
    """Those that are not installed."""
    return [name for name in modules if find_spec(name) is None]


def pytest_configure(config: pytest.Config) -> None:
    # A run of the suite that is started in a checkout reads this file, too, and draws nothing.
    if config.getoption("--conformance", False):
        return
    if missing := absent(NEEDED):
        raise pytest.UsageError(
            f"the self-tests need {', '.join(missing)}, which are not installed here: run `make test`, which "
            "installs them; to judge a cluster run `pytest --conformance` or `conformance run`"
        )
    _draw_the_same()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that wait come first: one worker waits while the others work, and none is left waiting at the end."""
    items.sort(key=lambda item: item.get_closest_marker("smoke") is None)


def _draw_the_same() -> None:
    """A failure on one machine is one on all, and none is slow: how long drawing takes depends on what else runs."""
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis.internal.conjecture import providers

    # Hypothesis draws numbers that stand in imported modules, too: other ones in each worker, which imports what its
    # tests need, and a second to collect. The model's own are drawn, and all of them.
    for module in pkgutil.iter_modules(conformance.model.__path__, "conformance.model."):
        importlib.import_module(module.name)
    vars(providers)["is_local_module_file"] = lambda path: "/conformance/model/" in path

    settings.register_profile(
        "reproducible", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.register_profile(
        "mutation", settings.get_profile("reproducible"), phases=(Phase.explicit, Phase.generate), max_examples=50
    )
    # Under mutation a failure is all that matters, not its smallest example.
    settings.load_profile("mutation" if "MUTANT_UNDER_TEST" in os.environ else "reproducible")
