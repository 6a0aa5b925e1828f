"""YAML that may come from strangers: plain data only, of bounded size, depth and expansion.

A few bytes of YAML can stand for gigabytes, as aliases may be nested, and deep nesting overflows the C stack of the
composer. So the events are counted first, which takes no more memory than the text; only then is anything built.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import yaml

MAX_BYTES: Final = 4 << 20
MAX_DEPTH: Final = 100
"""Deeper than any manifest (a schema in a CustomResourceDefinition has about 30)."""
MAX_NODES: Final = 500_000
"""Values in a document with all aliases written out."""

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlBoundError(yaml.YAMLError):
    """The text is too large, too deep, stands for too much, or a tag does not fit its value."""


def load(text: bytes | str, loader: Any = LOADER) -> Any:
    """The one document of a text. Raises yaml.YAMLError."""
    check(text, loader)
    with _fitting():
        return yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader


def load_all(text: bytes | str, loader: Any = LOADER) -> list[Any]:
    """All documents of a text; `loader` is a safe one. Raises yaml.YAMLError."""
    check(text, loader)
    with _fitting():
        return list(yaml.load_all(text, Loader=loader))


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, RecursionError) as error:
        # A standard tag on a value that it does not fit, such as `!!bool x` or a 13th month.
        raise YamlBoundError(f"not a value: {' '.join(str(error).split())}") from error


def check(text: bytes | str, loader: Any = LOADER) -> None:
    """Raise YamlBoundError for a text beyond the limits, yaml.YAMLError for one that is no YAML."""
    if len(text) > MAX_BYTES:
        raise YamlBoundError(f"{len(text)} bytes or characters, more than {MAX_BYTES}")
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    size = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                size = 0
                sizes.clear()
            elif isinstance(event, yaml.AliasEvent):
                # One that names a collection still open would contain itself.
                size += sizes.get(event.anchor or "", MAX_NODES + 1)
            elif isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, size))
                size += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_.pop()
                if anchor is not None:
                    sizes[anchor] = size - before
            elif isinstance(event, yaml.ScalarEvent):
                size += 1
                if event.anchor is not None:
                    sizes[event.anchor] = 1
            if len(open_) > MAX_DEPTH:
                raise YamlBoundError(f"nested deeper than {MAX_DEPTH}")
            if size > MAX_NODES:
                raise YamlBoundError(f"stands for more than {MAX_NODES} values, or an alias contains itself")
    except UnicodeError as error:
        raise YamlBoundError(f"not UTF-8: {error}") from error
