"""JSON Schema of what `entries` reads, made from the same dataclasses, so that an editor says what the suite would."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, cast, get_args, get_origin, get_type_hints

from conformance.catalogue.check_parameters import Range
from conformance.catalogue.entries import Named, OneOf, default

Schema = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""What editors' YAML servers know best."""
_SCALARS: Final[Mapping[type, str]] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_RANGE: Final[Schema] = {
    "anyOf": [
        {"type": "number"},
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    ]
}


@dataclass(frozen=True, slots=True)
class SchemaMaker:
    """Makes schemas of dataclasses."""

    texts: Callable[[type], Mapping[str, str]]
    """What each field of a dataclass means."""
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Known names by kind, for `Named`; a kind that is missing may be any text."""
    definitions: dict[str, Schema] = field(default_factory=dict)
    """Of the dataclasses that others hold, by their names; filled while schemas are made."""

    def of(self, cls: type, *, optional: Collection[str] = (), without: Collection[str] = ()) -> Schema:
        """A dataclass. `optional` fields may be left out though they have no default, `without` are not allowed."""
        hints, texts = get_type_hints(cls, include_extras=True), self.texts(cls)
        listed = [each for each in fields(cls) if each.name not in without]
        properties = {}
        for each in listed:
            schema = self._value(hints[each.name])
            usual = default(each)
            if isinstance(usual, str | bool | int | float) and usual != "":
                schema = {**schema, "default": usual}
            if text := texts.get(each.name):
                # What stands beside a reference is overlooked.
                schema = {"description": text, **({"allOf": [schema]} if "$ref" in schema else schema)}
            properties[each.name] = schema
        needed = [each.name for each in listed if default(each) is MISSING and each.name not in optional]
        return {
            "type": "object",
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
            "properties": properties,
        }

    def _value(self, hint: object) -> Schema:
        origin, arguments = get_origin(hint), get_args(hint)
        if hint is object:
            return {}
        if origin is Annotated:
            return self._word(arguments[1])
        if origin in (Union, UnionType):
            rest = [self._value(each) for each in arguments if each is not NoneType]
            return rest[0] if len(rest) == 1 else {"anyOf": rest}
        if origin is tuple:
            return {"type": "array", "items": self._value(arguments[0])}
        if origin is not None and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self._value(arguments[1])}
        return self._plain(cast(type, hint))

    def _word(self, marker: OneOf | Named) -> Schema:
        words = marker.words if isinstance(marker, OneOf) else sorted(self.names.get(marker.kind, ()))
        return {"type": "string", **({"enum": list(words)} if words else {})}

    def _plain(self, hint: type) -> Schema:
        if hint is Range:
            return _RANGE
        if is_dataclass(hint):
            if hint.__name__ not in self.definitions:
                self.definitions[hint.__name__] = self.of(hint)
            return {"$ref": f"#/definitions/{hint.__name__}"}
        if issubclass(hint, StrEnum):
            return {"type": "string", "enum": [each.value for each in hint]}
        return {"type": _SCALARS[hint]}
