"""Two answers of a Kubernetes API server compared: what must agree, and what differs between any two servers.

Identities, versions of objects, times, generated names, addresses and hashes differ between runs; a replay sets the
store's clock and identities to the recorded ones, so most of them come out equal anyway, and the rest is left out here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

HEADERS: Final = ("content-type", "warning", "retry-after", "cache-control", "etag", "vary", "location", "allow",
                  "content-encoding", "x-content-type-options", "accept-ranges")  # fmt: skip
PRESENCE_ONLY: Final = frozenset({"etag", "location"})

FREE_MEMBERS: Final = frozenset({"uid", "resourceVersion", "token", "continue"})
TIMES: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
UIDS: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ADDRESSES: Final = re.compile(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(:\d+)?\b")
AGE: Final = re.compile(r"^(\d+[smhdy])+$|^<unknown>$|^<invalid>$|^\d+ \((\d+[smhdy])+ ago\)$")
HEX: Final = re.compile(r"\b[0-9a-f]{32,}\b", re.IGNORECASE)

CUT_BELOW: Final = {
    "__trimmed_paths__": (("paths",),),
    "__trimmed_schemas__": (("components", "schemas"), ("definitions",)),
}
"""Marks of a recorded document that tell how many members were cut, and from where."""

FORK_CONFIG_MAP: Final = "openshift-service-ca.crt"
"""A ConfigMap that the recorded server's vendor adds to every namespace; a stock server has none."""


def _cut_below(expected: dict[str, Any]) -> bool:
    """Whether marks of this object tell of cuts below it: a recorded document that lost paths and schemas."""
    return any(name in expected for name in CUT_BELOW)


def differences(expected: Any, got: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, expected, got) of each difference."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if _cut_below(expected):
            got = _cut_alike(expected, got)
        yield from _object_differences(expected, got, path)
        return
    if isinstance(expected, list) and isinstance(got, list):
        yield from _list_differences(_without_fork(expected), _without_fork(got), path)
        return
    if expected == got and type(expected) is type(got):
        return
    if isinstance(expected, str) and isinstance(got, str) and plain(expected) == plain(got):
        return
    if isinstance(expected, str) and expected.startswith("__trimmed"):
        return
    if isinstance(expected, int | float) and isinstance(got, int | float) and expected == got:
        return
    yield path, expected, got


def _cut_alike(expected: dict[str, Any], got: dict[str, Any]) -> dict[str, Any]:
    """A document without the paths and schemas that the recorded one lost."""
    made = dict(got)
    for mark, places in CUT_BELOW.items():
        for place in places if mark in expected else ():
            made = _restricted(made, place, _at(expected, place))
    return made


def _at(value: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    for name in place:
        value = value.get(name) or {}
    return value


def _restricted(value: dict[str, Any], place: tuple[str, ...], kept: dict[str, Any]) -> dict[str, Any]:
    """A value whose object at a place has only the members of another one."""
    if not place:
        return {name: item for name, item in value.items() if name in kept}
    name, *rest = place
    if not isinstance(value.get(name), dict):
        return value
    return {**value, name: _restricted(value[name], tuple(rest), kept)}


def _object_differences(expected: dict[str, Any], got: dict[str, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    cut = any(name.startswith("__") for name in expected) and not _cut_below(expected)
    for name, value in expected.items():
        if name.startswith("__"):
            continue
        here = f"{path}.{name}" if path else name
        if name not in got:
            if not (isinstance(value, str) and value.startswith("__trimmed")):
                yield here, value, None
        elif name in FREE_MEMBERS and isinstance(value, str) and isinstance(got[name], str):
            if bool(value) != bool(got[name]):
                yield here, value, got[name]
        elif name == "description":
            continue
        elif name == "items" and "__trimmed_items__" in expected and isinstance(got[name], list):
            yield from differences(value, got[name][: len(value)], here)
        else:
            yield from differences(value, got[name], here)
    if not cut:
        for name in got:
            if name not in expected and name != "description":
                yield (f"{path}.{name}" if path else name), None, got[name]


def _list_differences(expected: list[Any], got: list[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    if any(isinstance(item, str) and item.startswith("__trimmed") for item in expected):
        return
    if path.endswith("items") and expected and all(isinstance(item, str) for item in expected):
        names = [item["metadata"]["name"] if isinstance(item, dict) else item for item in got]
        if names != expected:
            yield path, expected, names
        return
    if path.endswith(("causes", "managedFields", "ResourceRules", "resourceRules", "ESourceURLs")):
        expected, got = _sorted(expected), _sorted(got)
    if path == "resources":
        expected, got = _by_name(expected), _by_name(got)
    if len(expected) != len(got):
        yield f"{path} (length)", _summary(expected), _summary(got)
        return
    for index, (one, other) in enumerate(zip(expected, got, strict=True)):
        if path.endswith("cells") and AGE.match(str(one)) and AGE.match(str(other)) and isinstance(other, str):
            continue
        yield from differences(one, other, f"{path}[{index}]")


def _summary(items: list[Any]) -> Any:
    names = [item.get("metadata", {}).get("name") if isinstance(item, dict) else item for item in items]
    return names if len(json.dumps(names, default=str)) < 400 else len(items)


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: plain(json.dumps(item, sort_keys=True, default=str)))


def _by_name(items: list[Any]) -> list[Any]:
    """Discovery lists custom kinds in no order."""
    return sorted(items, key=lambda item: str(item.get("name")) if isinstance(item, dict) else str(item))


def _without_fork(items: list[Any]) -> list[Any]:
    def of_fork(item: Any) -> bool:
        if not isinstance(item, dict):
            return False
        named = item.get("metadata") or item.get("configMap") or {}
        return isinstance(named, dict) and named.get("name") == FORK_CONFIG_MAP

    return [item for item in items if not of_fork(item)]


def plain(text: str) -> str:
    """A text without what differs from run to run."""
    text = re.sub(r"kube-api-access-\w{5}", "kube-api-access-SUFFIX", re.sub(r"current: \d+", "current: VERSION", text))
    text = UIDS.sub("UID", TIMES.sub("TIME", text))
    return HEX.sub("HASH", ADDRESSES.sub("ADDRESS", text))


def message_parts(text: str) -> str:
    """A message whose listed faults come in any order."""
    found = re.match(r"^(.*? is invalid: )\[(.*)\]$", text, re.DOTALL)
    if not found:
        return plain(text)
    return plain(found[1]) + " | ".join(sorted(plain(found[2]).split(", ")))


def header_differences(expected: dict[str, Any], got: dict[str, list[str]]) -> Iterator[tuple[str, Any, Any]]:
    """Differences of the headers that matter; a recording without any says nothing."""
    if not expected:
        return
    for name in HEADERS:
        one, other = expected.get(name), got.get(name, [])
        wanted = [] if one is None else [one] if isinstance(one, str) else list(one)
        if name in PRESENCE_ONLY:
            if bool(wanted) != bool(other):
                yield f"header {name}", one, other
            continue
        if sorted(map(plain, wanted)) != sorted(map(plain, other)):
            yield f"header {name}", wanted, other
