"""CEL expressions of validation rules, evaluated by cel-python; the parts Kubernetes adds to the language are here.

The library is imported when a rule is first evaluated: it takes half a second, and most objects have no rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, Final

from clusters.embedded.api.schema_data import Schema

ESCAPES: Final = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
"""How members whose names are no identifiers are written in a rule."""

KEYWORDS: Final = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "null",
    }
    | {"namespace", "package", "return", "true", "var", "void", "while"}
)


class NotUnderstoodError(Exception):
    """The expression uses something this server does not know."""


class EvaluationError(Exception):
    """The expression could not be evaluated on this value; the text is CEL's."""


def evaluate(text: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression as JSON values, given variables made by `converted`.

    Raises NotUnderstoodError, or EvaluationError where a member is missing or a type does not fit.
    """
    import celpy

    program = _program(text)
    try:
        return program.evaluate(dict(variables))
    except celpy.CELEvalError as error:
        raise EvaluationError(_first_words(error)) from error


def _first_words(error: Exception) -> str:
    text = str(error.args[0]) if error.args else str(error)
    missing = re.search(r"no such (?:member|key)[^']*'?([\w]+)'?", text)
    return f"no such key: {missing[1]}" if missing else text


@lru_cache(maxsize=256)
def _program(text: str) -> Any:
    import celpy

    environment = _environment()
    try:
        return environment.program(environment.compile(text), functions=_functions())
    except (celpy.CELParseError, celpy.CELEvalError, celpy.CELUnsupportedError, ValueError) as error:
        raise NotUnderstoodError(text) from error


@cache
def _environment() -> Any:
    import celpy

    return celpy.Environment()


def understood(text: str) -> bool:
    """Whether an expression can be evaluated here: that it parses and calls nothing unknown."""
    import celpy.evaluation

    try:
        _program(text)
    except NotUnderstoodError:
        return False
    known = {*_functions(), *celpy.evaluation.base_functions, *MACROS}
    return all(name in known for name in re.findall(r"([A-Za-z_]\w*)\s*\(", _without_texts(text)))


MACROS: Final = ("has", "all", "exists", "exists_one", "map", "filter", "dyn")


def _without_texts(text: str) -> str:
    return re.sub(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", '""', text)


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    """Functions on texts and lists that Kubernetes has beside those of the language."""
    from celpy import celtypes

    text, whole, flag, many = celtypes.StringType, celtypes.IntType, celtypes.BoolType, celtypes.ListType

    def find(value: Any, pattern: Any) -> Any:
        found = re.search(str(pattern), str(value))
        return text(found[0] if found else "")

    return {
        "charAt": lambda value, index: text(value[index] if index < len(value) else ""),
        "find": find,
        "findAll": lambda value, pattern: many(text(one[0]) for one in re.finditer(str(pattern), str(value))),
        "indexOf": lambda value, part: whole(
            value.find(part) if isinstance(value, str) else next((i for i, one in enumerate(value) if one == part), -1)
        ),
        "isSorted": lambda value: flag(all(one <= other for one, other in pairwise(value))),
        "join": lambda value, between="": text(str(between).join(value)),
        "lowerAscii": lambda value: text(value.lower()),
        "max": lambda value: max(value),
        "min": lambda value: min(value),
        "replace": lambda value, old, new: text(value.replace(old, new)),
        "split": lambda value, between: many(text(one) for one in value.split(between)),
        "substring": lambda value, start, end=None: text(value[start:end]),
        "sum": lambda value: sum(value[1:], value[0]) if value else whole(0),
        "trim": lambda value: text(value.strip()),
        "upperAscii": lambda value: text(value.upper()),
    }


def converted(value: Any, schema: Schema) -> Any:
    """A JSON value as CEL sees it through its schema: numbers, times and durations typed, member names escaped."""
    import celpy
    from celpy import celtypes

    if isinstance(value, dict):
        properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
        made = {}
        for name, item in value.items():
            inner = properties.get(name)
            if inner is not None:
                made[celtypes.StringType(escaped(name))] = converted(item, inner)
            else:
                made[celtypes.StringType(name)] = converted(item, additional if isinstance(additional, dict) else {})
        return celtypes.MapType(made)
    if isinstance(value, list):
        return celtypes.ListType([converted(item, schema.get("items") or {}) for item in value])
    if isinstance(value, str) and schema.get("format") == "date-time":
        return celtypes.TimestampType(value)
    if isinstance(value, str) and schema.get("format") == "duration":
        return celtypes.DurationType(value)
    if isinstance(value, int) and not isinstance(value, bool) and schema.get("type") == "number":
        return celtypes.DoubleType(value)
    return celpy.json_to_cel(value)


def escaped(name: str) -> str:
    """A member's name as a rule writes it."""
    if name in KEYWORDS:
        return f"__{name}__"
    for plain, written in ESCAPES:
        name = name.replace(plain, written)
    return name


def float_in_place_of_integer(text: str, value: Any, schema: Schema) -> bool:
    """Whether a rule reads a member that is declared an integer but was written with a point."""
    properties = schema.get("properties") or {}
    names = re.findall(r"\bself\.(\w+)", text)
    return isinstance(value, dict) and any(
        isinstance(value.get(name), float) and (properties.get(name) or {}).get("type") == "integer" for name in names
    )
