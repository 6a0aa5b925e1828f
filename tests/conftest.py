"""Says what to install where the self-tests cannot run."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

import pytest

pytest_plugins = ("pytester",)

NEEDED = ("hypothesis", "lightkube", "xdist", "pytest_timeout")
"""What the tests import beyond what a run of the suite needs."""


def absent(modules: Iterable[str]) -> list[str]:
    """Those that are not installed."""
    return [name for name in modules if find_spec(name) is None]


def pytest_configure(config: pytest.Config) -> None:
    missing = absent(NEEDED)
    if missing and not config.getoption("--conformance", False):
        raise pytest.UsageError(
            f"the self-tests need {', '.join(missing)}, which are not installed here: run `make test`, which "
            "installs them; to judge a cluster run `pytest --conformance` or `conformance run`"
        )
