"""Dataclasses as the shapes of JSON objects: checked once where they are read, written back with the same keys.

A field without a value in the JSON (absent or null) gets its default; keys that no field has are ignored, so that a
recording made by a later suite stays readable. Anything else that does not fit is a WrongShapeError that names the
place. Modules with shapes do without `from __future__ import annotations`: their hints are read when first used.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NamedTuple, Self, TypeAlias, Union, cast, get_args, get_origin

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
"""A value as JSON has it; what `json.loads` gives."""
JsonObject: TypeAlias = Mapping[str, Json]
"""Open: what Kubernetes or a vendor defines, kept as it is."""

LARGEST: Final = 2**63
"""Kubernetes' own whole numbers have 64 bits."""
LEFT_OUT: Final = {"left_out": True}
"""Metadata of a field whose key is not written while it is None."""
Reader = Callable[[object], object]


class WrongShapeError(ValueError):
    """A value that does not fit; the message begins with where it is, as in `containers[1].restarts`."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(f"{path.removeprefix('.')}: {why}" if path else why)
        self.why = why
        self.path = path

    def within(self, step: str) -> "WrongShapeError":
        """The same, seen from one level further out."""
        return WrongShapeError(self.why, step + self.path)


def key(name: str) -> dict[str, str]:
    """Metadata of a field that has another name in the JSON, one that Python reserves."""
    return {"key": name}


class Shape:
    """Base of frozen dataclasses that stand for a JSON object."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        """From plain JSON. Raises WrongShapeError."""
        return cast(Self, _read_object(cls, value))

    def plain(self) -> dict[str, Json]:
        """As plain JSON."""
        found: dict[str, Json] = {}
        for each in fields(cast(Any, self)):
            value = getattr(self, each.name)
            if value is not None or not each.metadata.get("left_out"):
                found[key_of(each)] = _plain(value)
        return found


def key_of(each: "Field[Any]") -> str:
    """A field's name in the JSON."""
    return str(each.metadata.get("key", each.name))


def _plain(value: object) -> Json:
    if isinstance(value, Shape):
        return value.plain()
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence):
        return [_plain(entry) for entry in value]
    raise TypeError(f"{type(value).__name__} has no place in JSON")


class _FieldReader(NamedTuple):
    name: str
    key: str
    read: Reader
    required: bool


_FIELD_READERS: Final[dict[type[Shape], tuple[_FieldReader, ...]]] = {}
"""Made when a shape is first read."""


def _field_readers(shape: type[Shape]) -> tuple[_FieldReader, ...]:
    if shape not in _FIELD_READERS:
        _FIELD_READERS[shape] = tuple(
            _FieldReader(
                each.name,
                key_of(each),
                _reader(each.type),
                each.default is MISSING and each.default_factory is MISSING,
            )
            for each in fields(cast(Any, shape))
        )
    return _FIELD_READERS[shape]


def _read_object(shape: type[Shape], value: object) -> Shape:
    if not isinstance(value, Mapping):
        raise WrongShapeError(f"{_shown(value)} is not an object")
    found: dict[str, object] = {}
    for name, key, read, required in _field_readers(shape):
        entry = value.get(key)
        if entry is None:
            if required:
                raise WrongShapeError("missing", f".{key}")
            continue
        try:
            found[name] = read(entry)
        except WrongShapeError as error:
            raise error.within(f".{key}") from None
    return shape(**found)


def _reader(hint: Any) -> Reader:
    """What checks a value that is not null against a type."""
    if hint is Json:
        return _as_it_is
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _reader(arguments[0])
    if origin in (Union, UnionType):
        (inner,) = (each for each in arguments if each is not NoneType)
        return _reader(inner)
    if origin is tuple:
        return _list_reader(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping_reader(_reader(arguments[1]))
    if origin is None and isinstance(hint, type):
        return _class_reader(hint)
    raise TypeError(f"no reader for {hint!r}")


def _class_reader(hint: type) -> Reader:
    if issubclass(hint, Enum):
        return _word_reader(hint)
    if issubclass(hint, Shape) and is_dataclass(hint):
        return hint.parse
    if issubclass(hint, tuple):
        return _row_reader(hint)
    return _SCALARS[hint]


def _as_it_is(value: object) -> object:
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise WrongShapeError(f"{_shown(value)} is not a text")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongShapeError(f"{_shown(value)} is neither true nor false")
    return value


def _number(value: object) -> float:
    """A whole number stays one, so that it is written back as it came."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise WrongShapeError(f"{_shown(value)} is not a finite number")
    return value


def _whole(value: object) -> int:
    number = _number(value)
    if number != int(number):
        raise WrongShapeError(f"{_shown(value)} is not a whole number")
    return int(number)


def _is_finite(value: float) -> bool:
    return -LARGEST <= value <= LARGEST if isinstance(value, int) else math.isfinite(value)


_SCALARS: Final[Mapping[type, Reader]] = {str: _text, bool: _truth, float: _number, int: _whole}


def _list_reader(read: Reader) -> Reader:
    def every(value: object) -> tuple[object, ...]:
        if not isinstance(value, list | tuple):
            raise WrongShapeError(f"{_shown(value)} is not a list")
        found = []
        for index, entry in enumerate(value):
            try:
                found.append(read(entry))
            except WrongShapeError as error:
                raise error.within(f"[{index}]") from None
        return tuple(found)

    return every


def _mapping_reader(read: Reader) -> Reader:
    def every(value: object) -> dict[str, object]:
        if not isinstance(value, Mapping):
            raise WrongShapeError(f"{_shown(value)} is not an object")
        found = {}
        for key, entry in value.items():
            try:
                found[_text(key)] = read(entry)
            except WrongShapeError as error:
                raise error.within(f".{key}") from None
        return found

    return every


def _row_reader(hint: type) -> Reader:
    """A NamedTuple stands for a list of fixed length, whose last entries may be missing."""
    readers = [_reader(each) for each in hint.__annotations__.values()]

    def row(value: object) -> object:
        if not isinstance(value, list | tuple) or len(value) > len(readers):
            raise WrongShapeError(f"{_shown(value)} is not a list of at most {len(readers)}")
        found: dict[str, object] = {}
        for index, (name, entry) in enumerate(zip(hint.__annotations__, value, strict=False)):
            if entry is None:
                continue
            try:
                found[name] = readers[index](entry)
            except WrongShapeError as error:
                raise error.within(f"[{index}]") from None
        return hint(**found)

    return row


def _word_reader(hint: type[Enum]) -> Reader:
    def word(value: object) -> Enum:
        try:
            return hint(value)
        except ValueError:
            known = ", ".join(str(each.value) for each in hint)
            raise WrongShapeError(f"{_shown(value)} is none of {known}") from None

    return word


def _shown(value: object) -> str:
    """A short form of a value for a message; a number may have thousands of digits, more than Python prints."""
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return "a number of more than 64 bits"
    if isinstance(value, list | tuple | Mapping):
        return f"a {'list' if isinstance(value, list | tuple) else 'object'}"
    return repr(value)[:80]
