"""Ways to spoil bytes and plain data."""

from __future__ import annotations

import copy
from typing import Any, Final

from hypothesis import strategies as st

JUNK: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    -(2**63),
    10**400,
    0.5,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "x",
    "\x00",
    "\x1b[2J",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "{{7*7}}",
    "9" * 5000,
    "\ud800",
    "\u202e",
    "ß" * 300,
    [],
    {},
    [None],
    [[]],
    {"": ""},
    {"a": None},
    {"name": None},
    [1, "a", {}],
    "2026-01-01T00:00:00Z",
    "1Gi",
    "100m",
)
"""Values of every type and of none that was expected."""

TOKENS = (
    b"\x00",
    b"\xff",
    b"\r\n",
    b"\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"null",
    b"NaN",
    b"1e999",
    b"-",
    b"\\u0000",
    b"&a ",
    b"*a ",
    b"!!int ",
    b"<<: ",
    b"---\n",
    b"9" * 400,
    b"[" * 3000,
    b'{"a":' * 1500,
    b"\xed\xa0\x80",
    b"\x1b]0;x\x07",
)


@st.composite
def spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with a few cuts, insertions, repetitions and changes."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 64))
        kind = draw(st.sampled_from(("cut", "insert", "token", "repeat", "change", "end")))
        if kind == "cut":
            data = data[:at] + data[at + length :]
        elif kind == "insert":
            data = data[:at] + draw(st.binary(max_size=16)) + data[at:]
        elif kind == "token":
            data = data[:at] + draw(st.sampled_from(TOKENS)) + data[at:]
        elif kind == "repeat":
            data = data[: at + length] + data[at:]
        elif kind == "change":
            data = data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at + 1 :]
        else:
            data = data[:at]
    return data


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything inside plain data."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += places(inner, (*path, index))
    return found


@st.composite
def misshapen(draw: st.DrawFn, value: Any, junk: st.SearchStrategy[Any] | None = None) -> Any:
    """Plain data with a few members replaced, removed or added."""
    value = copy.deepcopy(value)
    # A copy each: what was put in at one step may be changed at the next, and has to be new in the next example.
    wrong = (st.sampled_from(JUNK) if junk is None else junk).map(copy.deepcopy)
    for _ in range(draw(st.integers(1, 3))):
        paths = places(value)
        if not paths:
            return draw(wrong)
        path = draw(st.sampled_from(paths))
        owner = value
        for step in path[:-1]:
            owner = owner[step]
        kind = draw(st.sampled_from(("replace", "replace", "remove", "add")))
        if kind == "remove":
            del owner[path[-1]]
        elif kind == "add" and isinstance(owner, dict):
            owner[draw(st.sampled_from(("extra", "metadata", "spec", "name", "$patch", "", "items")))] = draw(wrong)
        else:
            owner[path[-1]] = draw(wrong)
    return value
