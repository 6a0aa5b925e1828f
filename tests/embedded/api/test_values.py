"""Copies of JSON values share nothing that can change."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clusters.embedded.api.json_values import copied

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def containers(value: Any) -> list[int]:
    """Identities of everything in a value that can change."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    here = [id(value)] if isinstance(value, dict | list) else []
    return here + [found for one in inner for found in containers(one)]


@settings(max_examples=40)
@given(VALUES)
def test_a_copy_is_equal_and_shares_nothing(value: Any) -> None:
    made = copied(value)
    assert made == value
    assert not set(containers(made)) & set(containers(value))


def test_what_was_one_list_twice_becomes_two() -> None:
    one: list[int] = [1]
    first, second = copied([one, one])
    first.append(2)
    assert second == [1]


def test_what_is_no_json_is_copied_too() -> None:
    inner: dict[str, Any] = {}
    (made,) = copied([(inner,)])
    made[0]["a"] = 1
    assert inner == {}
