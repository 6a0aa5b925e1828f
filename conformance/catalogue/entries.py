"""Entries of the catalogue's files as dataclasses: every key, word and type is checked where the file is read.

A misspelt key would switch off a tolerance, or a whole condition, and nobody would notice; so unlike a recording, which
a later suite may have written, nothing here is overlooked. Messages name file, entry, field and value, and the nearest
word that is known. Entries go back to plain data by `plain`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    NamedTuple,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import yaml

from conformance.base.bounded_yaml import LOADER
from conformance.base.errors import UsageError, nearest

T = TypeVar("T")


class Entry(NamedTuple):
    """One entry of a file."""

    where: str
    """File and entry, as messages name them: `CON.yaml: CON-001`."""
    values: Mapping[str, object]
    lines: Callable[[], Mapping[str, int]] = dict
    """Of the file, by where in the entry a value stands: "", `steps[1].plan`; read only where a message needs them."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """In `Annotated[str, OneOf(...)]`: a word of a closed list."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """In `Annotated[str, Named("fault")]`: the name of something that is defined elsewhere; the reader is told which
    there are."""

    kind: str


class Written(Protocol):
    """A class with a short form of its own in the files, such as a range."""

    @classmethod
    def from_entry(cls, value: object) -> Written:
        """From plain data. Raises ValueError with what is wrong."""
        ...

    def entry(self) -> object:
        """As plain data."""
        ...


def _listed(path: Path, file: str) -> object:
    """A file's value; `file` is what messages call it. Raises UsageError with the line where it is no YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) or ()  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        hint = "; quote a text that holds ': '" if "mapping values" in str(error.problem) else ""
        raise UsageError(f"{file}{line}: {error.problem}{hint}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not YAML: {' '.join(str(error).split())}") from error


def entries(folder: Path, name: str, prefix: str = "") -> Iterator[Entry]:
    """All entries of a folder's files, file by file. `name` is the key that tells them apart; each value of it may be
    there once. `prefix` stands before the files' names in messages. Raises UsageError for a file of another shape."""
    seen: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        file = f"{prefix}{path.name}"
        listed = _listed(path, file)
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            raise UsageError(f"{file}: the file is no list of entries")
        for number, values in enumerate(listed):
            if not isinstance(values, Mapping) or not isinstance(values.get(name), str):
                raise UsageError(f"{file}: entry {number + 1} has no {name!r}{_instead(values, name)}")
            where = f"{file}: {values[name]}"
            if values[name] in seen:
                raise UsageError(f"{where} is there twice")
            seen.add(values[name])
            yield Entry(where, values, partial(_lines_of, path, number))


def _instead(values: object, name: str) -> str:
    """The key that was meant, if one looks like it."""
    close = difflib.get_close_matches(name, map(str, values), n=1) if isinstance(values, Mapping) else []
    return f"; it has {close[0]!r}" if close else ""


def _lines_of(path: Path, number: int) -> Mapping[str, int]:
    """The lines of what one entry of a file holds."""
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    node = root.value[number] if isinstance(root, yaml.SequenceNode) else None
    return dict(_placed(node, "", node.start_mark.line + 1)) if node else {}


def _placed(node: yaml.Node, path: str, line: int) -> Iterator[tuple[str, int]]:
    yield path, line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            yield from _placed(value, inner, key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _placed(value, f"{path}[{number}]", value.start_mark.line + 1)


@dataclass(frozen=True, slots=True)
class EntryReader:
    """Reads one entry's values by a dataclass."""

    where: str
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Known names by kind, for `Named`."""
    lines: Callable[[], Mapping[str, int]] = dict
    """Gives where in its file each value stands; empty where there is no file."""

    def read(self, cls: type[T], value: object, path: str = "") -> T:
        """A dataclass from plain data; `path` is where in the entry it stands. Raises UsageError."""
        if not isinstance(value, Mapping):
            raise self.wrong(path, f"{_shown(value)} is no mapping")
        hints = _hints(cast(type, cls))
        for key in value:
            if key not in hints:
                raise self.wrong(path, f"unknown key {key!r}; {nearest(str(key), hints)}", key=str(key))
        found: dict[str, object] = {}
        for each in fields(cast(Any, cls)):
            inner = f"{path}.{each.name}" if path else each.name
            if each.name in value:
                found[each.name] = self._value(hints[each.name], value[each.name], inner)
            elif not _has_default(each):
                raise self.wrong(path, f"{each.name!r} is missing")
        return cls(**found)

    def wrong(self, path: str, text: str, *, key: str = "") -> UsageError:
        """The error for a value at this place of the entry, or for a key in it."""
        at = f"{path}.{key}".strip(".")
        return UsageError(": ".join(part for part in (self._where(at), path, text) if part))

    def _where(self, path: str) -> str:
        """File, entry and, where they are known, the line of the value or of what holds it."""
        lines = self.lines()
        if not lines:
            return self.where
        while path not in lines and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        file, _, name = self.where.partition(": ")
        return f"{file} line {lines.get(path, 1)}: {name}"

    def _value(self, hint: object, value: object, path: str) -> object:
        origin, arguments = get_origin(hint), get_args(hint)
        if hint is object:
            return value
        if origin is Annotated:
            return self._word(arguments[1], value, path)
        if origin in (Union, UnionType):
            return self._either(arguments, value, path)
        if origin is tuple:
            return self._list(arguments[0], value, path)
        if origin is not None and issubclass(origin, Mapping):
            return self._mapping(arguments[1], value, path)
        return self._plain(cast(type, hint), value, path)

    def _word(self, marker: OneOf | Named, value: object, path: str) -> str:
        words = marker.words if isinstance(marker, OneOf) else self.names.get(marker.kind, ())
        if value not in words or not isinstance(value, str):
            file = "no such file; " if isinstance(marker, Named) and marker.kind == "file" else ""
            raise UsageError(f"{self._where(path)}: {path} {value!r}; {file}{nearest(str(value), words)}")
        return value

    def _either(self, hints: tuple[object, ...], value: object, path: str) -> object:
        """A value of one of several types: nothing, a scalar of the right type, or else of the last."""
        if value is None and NoneType in hints:
            return None
        rest = [each for each in hints if each is not NoneType]
        same = [each for each in rest if type(value) is each]
        return self._value(same[0] if same else rest[-1], value, path)

    def _list(self, hint: object, value: object, path: str) -> tuple[object, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.wrong(path, f"{_shown(value)} is no list")
        return tuple(self._value(hint, each, f"{path}[{number}]") for number, each in enumerate(value))

    def _mapping(self, hint: object, value: object, path: str) -> Mapping[str, object]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self.wrong(path, f"{_shown(value)} is no mapping with texts as keys")
        return {key: self._value(hint, each, f"{path}.{key}") for key, each in value.items()}

    def _plain(self, hint: type, value: object, path: str) -> object:
        if hasattr(hint, "from_entry"):
            try:
                return cast(type[Written], hint).from_entry(value)
            except ValueError as error:
                raise self.wrong(path, str(error)) from None
        if is_dataclass(hint):
            return self.read(hint, value, path)
        if issubclass(hint, StrEnum):
            return hint(self._word(OneOf(tuple(each.value for each in hint)), value, path))
        if not _fits(hint, value):
            raise self.wrong(path, f"{_shown(value)} is no {_SCALARS[hint]}")
        # Judging again gives the same bytes only where a number is of one type, however it is written in the file.
        return float(cast(float, value)) if hint is float else value


_SCALARS: Mapping[type, str] = {
    str: "text", bool: "truth value: true or false", int: "whole number", float: "finite number",
}  # fmt: skip


def _fits(hint: type, value: object) -> bool:
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is hint


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


@cache
def _hints(cls: type) -> Mapping[str, object]:
    """Types of a dataclass's fields by name."""
    hints = get_type_hints(cls, include_extras=True)
    return {
        each.name: hints[each.name] for each in fields(cast(Any, cls)) if get_origin(hints[each.name]) is not ClassVar
    }


def _has_default(each: Field[Any]) -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def default(each: Field[Any]) -> object:
    """What a field has when an entry does not give it; MISSING for one that has to be given."""
    return each.default if each.default_factory is MISSING else each.default_factory()


def plain(value: object) -> object:
    """Plain data that reads back as the same value; fields at their default are left out."""
    if hasattr(value, "entry"):
        return cast(Written, value).entry()
    if is_dataclass(value) and not isinstance(value, type):
        found = {each.name: (getattr(value, each.name), default(each)) for each in fields(value)}
        return {name: plain(given) for name, (given, usual) in found.items() if given != usual}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value
