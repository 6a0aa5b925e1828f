"""What counts as the same."""

from __future__ import annotations

import pytest

from clusters.embedded.golden.tally import Mismatch, ReplayTally, same


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (1, 1.0),
        (1, True),
        (0.1 + 0.2, 0.3),
        (None, None),
        ("x", "x"),
        ([1, [2.0]], (1, [2])),
        ({"a": 0.1 + 0.2}, {"a": 0.3}),
        ({}, {}),
    ],
)
def test_numbers_agree_within_a_billionth(expected: object, got: object) -> None:
    assert same(expected, got)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (1, 1.000001),
        (0, None),
        (None, 0),
        ("1", 1),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1}, {"a": 2}),
        ([], None),
    ],
)
def test_anything_else_differs(expected: object, got: object) -> None:
    assert not same(expected, got)


def test_one_decision_may_differ_in_several_fields() -> None:
    tally = ReplayTally("file.json")
    assert tally.compare("row 1", {"a": 1, "b": None}, {"a": 1, "b": None})
    assert not tally.compare("row 2", {"a": 1, "b": "µ", "c": 3}, {"a": 2, "b": None, "c": 3})
    assert tally.decisions == 2
    assert tally.mismatches == [
        Mismatch("file.json", "row 2", "a", 1, 2),
        Mismatch("file.json", "row 2", "b", "µ", None),
    ]
    assert tally.mismatches[1].line() == 'file.json: row 2: b: expected "µ", got null'
