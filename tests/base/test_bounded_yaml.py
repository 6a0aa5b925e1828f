"""YAML of strangers is plain, bounded data or an error; never a crash, never gigabytes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conformance.base import bounded_yaml

LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "[" * 200 + "]" * 200,
        "{a: " * 200 + "1" + "}" * 200,
        "a: &a [*a]\n",
        "a: &a {b: *a}\n",
        "[" + "1," * 600_000 + "]",
        "x" * (bounded_yaml.MAX_BYTES + 1),
        "!!bool x",
        "!!int ''",
        "!!float abc",
        "!!timestamp abc",
        "2026-13-45",
        "9" * 10_000,
        b"\xff\xfe\x00",
        b"a: \xc3\x28",
        "a: *nobody",
        "!!python/object/apply:os.system [id]",
        "!!python/name:os.system",
        "{[1]: 2}",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_not_plain_or_not_bounded_is_refused(text: str | bytes) -> None:
    with pytest.raises(yaml.YAMLError):
        bounded_yaml.load(text)
    with pytest.raises(yaml.YAMLError):
        bounded_yaml.load_all(text)


def test_aliases_are_read_as_long_as_they_stand_for_little() -> None:
    assert bounded_yaml.load("a: &x {b: 1}\nc: *x\nd: {<<: *x}\n") == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}


def test_documents_are_counted_one_by_one() -> None:
    assert bounded_yaml.load_all("a: 1\n---\n- 2\n---\n") == [{"a": 1}, [2], None]
    with pytest.raises(yaml.YAMLError):
        bounded_yaml.load("a: 1\n---\nb: 2\n")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(codec="ascii", min_codepoint=32)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_was_dumped_is_loaded(value: Any) -> None:
    assert bounded_yaml.load(yaml.safe_dump(value)) == value


@given(st.text("ab&*[]{}:,-\n !<|>'\"#?%@0", max_size=60) | st.binary(max_size=60))
def test_any_text_gives_data_or_an_error(text: str | bytes) -> None:
    with suppress(yaml.YAMLError):
        assert isinstance(bounded_yaml.load_all(text), list)
