"""Loading schemas from their compact files, where repeated parts stand once and are referred to by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Schema = Mapping[str, Any]


def load(name: str) -> Any:
    """A JSON file beside this module."""
    return json.loads(files("clusters.embedded.api").joinpath(name).read_text("utf-8"))


class Resolver:
    """Replaces `{"$ref": name, ...}` by the named part, built once and shared; other members beside it win."""

    def __init__(self, definitions: Mapping[str, Any], *, typed: bool = False) -> None:
        """`typed` definitions are whole schemas, each marked with its name as `x-type`."""
        self._typed = typed
        self._definitions = definitions
        self._built: dict[str, dict[str, Any]] = {}

    def has(self, name: str) -> bool:
        return name in self._definitions

    def named(self, name: str) -> dict[str, Any]:
        if name not in self._built:
            self._built[name] = {}
            self._built[name].update(self.resolve(self._definitions[name]))
            if self._typed:
                self._built[name].setdefault("x-type", name)
        return self._built[name]

    def resolve(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                found = self.named(value["$ref"])
                more = {key: self.resolve(item) for key, item in value.items() if key != "$ref"}
                return {**found, **more} if more else found
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        return value


@cache
def built_in_types() -> Resolver:
    """Types of the built-in kinds by their Go names."""
    return Resolver(load("builtin_schema.json")["types"], typed=True)


@cache
def built_in_roots() -> Mapping[str, str]:
    """`group/version/Kind` → type name."""
    roots: Mapping[str, str] = load("builtin_schema.json")["roots"]
    return roots
