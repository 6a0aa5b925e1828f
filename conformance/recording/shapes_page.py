"""The shapes of facts as the generated part of docs/recording.md: `python -m conformance.recording.shapes_page`.

Everything in it is read from the types: fields from the dataclass, units from `units`, meanings from the docstrings.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from conformance.base.locations import ROOT
from conformance.recording import load_lines, recorded_scenario, writer
from conformance.recording.facts import BODIES
from conformance.recording.laboratory import raw_lines
from conformance.recording.shape import Json, JsonObject, Shape, key_of

PAGE: Final = ROOT / "docs" / "recording.md"
BEGIN: Final = "<!-- shapes -->"
END: Final = "<!-- end of shapes -->"
BESIDE: Final[tuple[type[Shape], ...]] = (
    writer.Header,
    recorded_scenario.RecordedScenario,
    recorded_scenario.RecordedInstallation,
    load_lines.RecordedPlan,
    load_lines.GeneratorSecond,
)
"""Shapes that are no facts, in the order of the page."""
_PLAIN: Final[Mapping[Any, str]] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def page() -> str:
    """The page with its generated part as it should be."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{head}{BEGIN}\n{shapes()}{END}{rest.partition(END)[2]}"


def shapes() -> str:
    """Tables of all shapes, Markdown."""
    facts = [line for kind, body in BODIES.items() for line in _table(f"`{kind}`", body)]
    inner = [line for shape in _inner(tuple(BODIES.values())) for line in _table(shape.__name__, shape)]
    beside = [line for shape in (*BESIDE, *_inner(BESIDE)) for line in _table(shape.__name__, shape)]
    raw = [line for shape in raw_lines.SHAPES for line in _table(shape.__name__, shape)]
    parts = [("Facts", facts), ("Parts of facts", inner), ("Beside the facts", beside), ("Raw lines", raw)]
    return "\n".join(line for title, lines in parts for line in (f"## {title}", *lines, ""))


def _table(title: str, shape: type[Any]) -> Iterator[str]:
    yield from ("", f"### {title}", "", inspect.cleandoc(shape.__doc__ or ""), "")
    yield from ("| field | type | unit | meaning |", "| --- | --- | --- | --- |")
    meanings = _meanings(shape)
    for name, key, hint, needed in _fields(shape):
        kind = _type(hint) + ("" if needed else ", may be absent")
        yield f"| `{key}` | {kind} | {_unit(hint)} | {meanings.get(name, '')} |"


def _fields(shape: type[Any]) -> Iterator[tuple[str, str, Any, bool]]:
    """(name, key, type, whether it is always written)."""
    if issubclass(shape, Shape):
        found: tuple[Field[Any], ...] = fields(shape)  # type: ignore[arg-type]
        for each in found:
            yield each.name, key_of(each), each.type, not each.metadata.get("left_out")
    else:
        for position, (name, hint) in enumerate(shape.__annotations__.items()):
            yield name, f"[{position}] {name}", hint, True


def _inner(shapes: tuple[type[Any], ...]) -> list[type[Any]]:
    """Shapes that fields of these are made of, each once, in the order in which they come."""
    found: dict[type[Any], None] = {}
    for shape in shapes:
        for _, _, hint, _ in _fields(shape):
            for part in _parts(hint):
                if part not in shapes:
                    found.update(dict.fromkeys((part, *_inner((part,)))))
    return list(found)


def _parts(hint: Any) -> Iterator[type[Any]]:
    if isinstance(hint, type) and get_origin(hint) is None:
        if issubclass(hint, Shape | tuple):
            yield hint
        return
    for argument in get_args(hint):
        yield from _parts(argument)


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in (Json, JsonObject):
        return "any JSON" if hint == Json else "any object"
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join("null" if each is NoneType else _type(each) for each in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is Mapping:
        return f"object of {_type(arguments[1])}"
    if issubclass(hint, Enum):
        return "text"
    return _PLAIN.get(hint, f"[{hint.__name__}](#{hint.__name__.lower()})")


def _unit(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return str(get_args(hint)[1])
    return next((unit for argument in get_args(hint) if (unit := _unit(argument))), "")


def _meanings(shape: type[Any]) -> dict[str, str]:
    """Docstrings of a class's fields, those of its bases first."""
    found: dict[str, str] = {}
    for each in reversed(shape.__mro__):
        module = inspect.getmodule(each)
        if module is not None and module.__name__.startswith("conformance."):
            found |= _field_docstrings(module).get(each.__name__, {})
    return found


@cache
def _field_docstrings(module: ModuleType) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            texts = found.setdefault(node.name, {})
            for before, after in zip(node.body, node.body[1:], strict=False):
                if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
                    text = _string(after)
                    if text:
                        texts[before.target.id] = " ".join(text.split())
    return found


def _string(node: ast.stmt) -> str:
    value = node.value if isinstance(node, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def main(path: Path = PAGE) -> None:
    """Write the page anew."""
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
