"""Says what to install where the self-tests cannot run, and makes property tests the same on every machine."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Final, TypeVar

import pytest

import conformance.model

pytest_plugins = ("pytester",)

T = TypeVar("T")

SELDOM: Final = (20_000, 20, 20)
"""New objects until the garbage collector looks at the youngest, and how often at older ones: a twentieth of the
processor time of all tests less than with Python's own 700, 10, 10."""

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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Half of the workers begin with tests that wait, the others with long ones: so nobody waits, or computes, alone at
    the end. xdist's `worksteal` gives each worker a stretch of the list; who has nothing left takes from the ends of
    others."""
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    items[:] = stretches(items, workers, lambda item, name: item.get_closest_marker(name) is not None)


def stretches(items: Sequence[T], workers: int, marked: Callable[[T, str], bool]) -> list[T]:
    """Tests in the order in which so many workers shall begin them."""
    kinds: dict[tuple[bool, bool], list[T]] = {}
    for item in items:
        kinds.setdefault((marked(item, "smoke"), marked(item, "long")), []).append(item)
    waiters = max(1, workers // 2)
    firsts = [
        [*first, *then]
        for first, then in zip(
            _parts(kinds.get((True, True), []), waiters), _parts(kinds.get((True, False), []), waiters), strict=True
        )
    ]
    if workers > waiters:
        firsts += _parts(kinds.get((False, True), []), workers - waiters)
    else:
        firsts[0] += kinds.get((False, True), [])
    short = iter(kinds.get((False, False), []))
    found: list[T] = []
    for number, first in enumerate(firsts):
        room = (len(items) - len(found)) // max(1, workers - number)
        found += [*first, *islice(short, max(0, room - len(first)))]
    return [*found, *short]


def _parts(items: list[T], count: int) -> list[list[T]]:
    """About equal, and tests that share a module's fixtures together."""
    return [items[len(items) * number // count : len(items) * (number + 1) // count] for number in range(count)]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What collection made stays to the end: the garbage collector looks neither at it again nor as often."""
    if not session.config.getoption("--conformance", False):
        gc.collect()
        gc.freeze()
        gc.set_threshold(*SELDOM)


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
