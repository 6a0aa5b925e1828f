"""The part of CEL that validation rules mostly use, evaluated by translation to checked Python syntax trees.

Member access, has(), size(), comparison, arithmetic, &&, ||, !, ?:, in, lists, and the texts' startsWith, endsWith,
contains and matches. What lies outside raises NotUnderstoodError, and such a rule is not enforced.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from clusters.embedded.api.schema_data import Schema


class NotUnderstoodError(Exception):
    """The expression is outside the subset."""


_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
}
_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Mod: operator.mod,
}
_METHODS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "startsWith": lambda text, part: str(text).startswith(part),
    "endsWith": lambda text, part: str(text).endswith(part),
    "contains": lambda text, part: part in text,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
}


def holds(text: str, variables: Mapping[str, Any]) -> bool:
    """Whether a rule holds. Raises NotUnderstoodError."""
    return bool(_value(_parsed(text), variables))


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.expr:
    translated = _translated(text)
    try:
        return ast.parse(translated, mode="eval").body
    except SyntaxError as error:
        raise NotUnderstoodError(text) from error


def _translated(text: str) -> str:
    """CEL's operators as Python's, outside quotes; a ternary is turned around."""
    parts = re.split(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", text)
    for index in range(0, len(parts), 2):
        part = parts[index].replace("&&", " and ").replace("||", " or ")
        part = re.sub(r"!(?!=)", " not ", part)
        parts[index] = re.sub(r"\btrue\b", "True", re.sub(r"\bfalse\b", "False", re.sub(r"\bnull\b", "None", part)))
    joined = "".join(parts).strip()
    found = re.fullmatch(r"([^?]+)\?([^:]+):(.+)", joined)
    return f"(({found[2]}) if ({found[1]}) else ({found[3]}))" if found else joined


def _value(node: ast.expr, variables: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in variables:
        return variables[node.id]
    if isinstance(node, ast.BoolOp):
        wants_all = isinstance(node.op, ast.And)
        for one in node.values:
            if bool(_value(one, variables)) != wants_all:
                return not wants_all
        return wants_all
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, variables)
        return not inner if isinstance(node.op, ast.Not) else -inner
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, variables) else node.orelse, variables)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        return _COMPARISONS[type(node.ops[0])](_value(node.left, variables), _value(node.comparators[0], variables))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return _ARITHMETIC[type(node.op)](_value(node.left, variables), _value(node.right, variables))
    if isinstance(node, ast.List):
        return [_value(one, variables) for one in node.elts]
    return _reached(node, variables)


def _reached(node: ast.expr, variables: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Attribute):
        return _member(_value(node.value, variables), node.attr)
    if isinstance(node, ast.Subscript):
        held, key = _value(node.value, variables), _value(node.slice, variables)
        try:
            return held[key]
        except (KeyError, IndexError, TypeError) as error:
            raise NotUnderstoodError(ast.dump(node)) from error
    if isinstance(node, ast.Call) and not node.keywords:
        return _called(node, variables)
    raise NotUnderstoodError(ast.dump(node))


def _member(held: Any, name: str) -> Any:
    if isinstance(held, dict) and name in held:
        return held[name]
    raise NotUnderstoodError(name)


def _called(node: ast.Call, variables: Mapping[str, Any]) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "has" and len(node.args) == 1 and isinstance(node.args[0], ast.Attribute):
        held = _value(node.args[0].value, variables)
        return isinstance(held, dict) and node.args[0].attr in held
    if name == "size" and len(node.args) == 1:
        return len(_value(node.args[0], variables))
    if isinstance(node.func, ast.Attribute):
        held = _value(node.func.value, variables)
        if node.func.attr == "size" and not node.args:
            return len(held)
        if node.func.attr in _METHODS and len(node.args) == 1:
            return _METHODS[node.func.attr](held, _value(node.args[0], variables))
    raise NotUnderstoodError(ast.dump(node))


def float_in_place_of_integer(text: str, value: Any, schema: Schema) -> bool:
    """Whether a rule reads a member that is declared an integer but was written with a point."""
    properties = schema.get("properties") or {}
    names = re.findall(r"\bself\.(\w+)", text)
    return isinstance(value, dict) and any(
        isinstance(value.get(name), float) and (properties.get(name) or {}).get("type") == "integer" for name in names
    )
