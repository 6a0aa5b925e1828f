"""In which order workers begin the tests."""

from __future__ import annotations

import pytest

from tests.conftest import stretches

MARKED = ["smoke-a", "smoke-b-long", "smoke-c", "smoke-d", "long-a", "long-b"]
TESTS = [*(f"quick-{number}" for number in range(30)), *MARKED]


def marked(name: str, mark: str) -> bool:
    return mark in name


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 8])
def test_every_test_is_begun_once(workers: int) -> None:
    assert sorted(stretches(TESTS, workers, marked)) == sorted(TESTS)
    assert sorted(stretches(MARKED, workers, marked)) == sorted(MARKED)


def test_half_of_the_workers_begin_with_tests_that_wait_and_the_others_with_long_ones() -> None:
    found = stretches(TESTS, 4, marked)
    assert [found[start : start + 2] for start in (0, 9, 18, 27)] == [
        ["smoke-a", "quick-0"],
        ["smoke-b-long", "smoke-c"],
        ["long-a", "quick-14"],
        ["long-b", "quick-22"],
    ]


def test_one_worker_begins_with_what_waits_and_ends_with_what_is_quick() -> None:
    found = stretches(TESTS, 1, marked)
    assert found[:6] == ["smoke-b-long", "smoke-a", "smoke-c", "smoke-d", "long-a", "long-b"]
