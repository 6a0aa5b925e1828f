"""The three sources of settings, brought into one tree that the schema accepts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from conformance.base import bounded_yaml
from conformance.base.errors import UsageError, nearest
from conformance.settings.secret import Secret

PREFIX: Final = "CONFORMANCE_"
SCHEMA: Final[Mapping[str, Any]] = json.loads(
    (Path(__file__).parent / "settings.schema.json").read_text(encoding="utf-8")
)
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def _walk(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in schema.get("properties", {}).items():
        if "properties" in entry:
            yield from _walk(entry, f"{prefix}{name}.")
        else:
            yield prefix + name, entry


LEAVES: Final[Mapping[str, Mapping[str, Any]]] = dict(_walk(SCHEMA))
"""Every setting by its dotted name, with its part of the schema."""


def variable(name: str) -> str:
    """Environment variable of a setting: `ingress.address` is CONFORMANCE_INGRESS_ADDRESS."""
    return PREFIX + name.upper().replace(".", "_")


def leaf(name: str) -> Mapping[str, Any]:
    """Schema of a setting. Raises UsageError with the nearest name when there is none."""
    try:
        return LEAVES[name]
    except KeyError:
        raise UsageError(f"unknown setting {name!r}; {nearest(name, LEAVES)}") from None


def merged(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, Any]:
    """One tree of what was given, valid by the schema. Raises UsageError."""
    tree = _file(path) if path is not None else {}
    for name, value in _variables(environ):
        _put(tree, name, value)
    for name, value in flags.items():
        schema = leaf(name)
        if value is not None and value != ():
            _put(tree, name, read(name, value, schema, f"flag {name}") if isinstance(value, str) else _plain(value))
    _validate(tree)
    return tree


def _file(path: Path) -> dict[str, Any]:
    try:
        value = bounded_yaml.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"settings {path}: {error.strerror}; pass --config or remove it") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"settings {path}: not YAML: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"settings {path}: a mapping of settings is wanted, not {type(value).__name__}")
    _refuse_unknown(value, SCHEMA, str(path))
    # A section whose keys are all commented out reads as null.
    given = {name: entry for name, entry in value.items() if entry is not None}
    return {name: dict(entry) if isinstance(entry, dict) else entry for name, entry in given.items()}


def _refuse_unknown(value: Mapping[Any, Any], schema: Mapping[str, Any], where: str) -> None:
    properties = schema.get("properties")
    if properties is None:
        return
    for key, entry in value.items():
        if key not in properties:
            raise UsageError(f"{where}: unknown key {key!r}; {nearest(str(key), properties)}")
        if isinstance(entry, Mapping):
            _refuse_unknown(entry, properties[key], f"{where}: {key}")


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    names = {variable(name): name for name in LEAVES}
    for key in sorted(environ):
        if not key.startswith(PREFIX):
            continue
        if key not in names:
            raise UsageError(f"environment: unknown variable {key}; {nearest(key, names)}")
        yield names[key], read(names[key], environ[key], LEAVES[names[key]], f"environment {key}")


def read(name: str, text: str, schema: Mapping[str, Any], where: str) -> Any:
    """A value written as text, by the type the schema wants. Raises UsageError."""
    kinds = schema.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if "null" in kinds and text == "":
        return None
    try:
        return _READERS[kinds[0]](text)
    except ValueError as error:
        shown = "" if schema.get("x-secret") else f" {text!r}"
        raise UsageError(f"{where}: {name}{shown}: {error}") from None


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("true or false is wanted")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("a whole number is wanted") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("a number is wanted") from None


def _yaml(text: str) -> Any:
    try:
        return bounded_yaml.load(text)
    except yaml.YAMLError as error:
        raise ValueError("not YAML: " + " ".join(str(error).split())) from None


def _array(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        value = _yaml(text)
        if not isinstance(value, list):
            raise ValueError("a list is wanted")
        return value
    return [part.strip() for part in text.split(",") if part.strip()]


def _object(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        value = _yaml(text)
        if not isinstance(value, dict):
            raise ValueError("a mapping is wanted")
        return value
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(sign for _, sign, _ in pairs):
        raise ValueError("NAME=VALUE pairs separated by commas are wanted")
    return {name.strip(): value.strip() for name, _, value in pairs}


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "string": str,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "array": _array,
    "object": _object,
}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    *sections, key = name.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[key] = value


def _validate(tree: Mapping[str, Any]) -> None:
    import jsonschema_rs

    error = next(iter(jsonschema_rs.validator_for(dict(SCHEMA)).iter_errors(tree)), None)
    if error is None:
        return
    name = ".".join(str(part) for part in error.instance_path)
    schema = LEAVES.get(".".join(str(part) for part in error.instance_path[:2]), {})
    if "enum" in schema:
        allowed = [str(choice) for choice in schema["enum"] if choice is not None]
        raise UsageError(f"setting {name} {error.instance!r}; {nearest(str(error.instance), allowed)}")
    if schema.get("x-secret"):
        raise UsageError(f"setting {name}: a text, {{env: VARIABLE}} or {{file: PATH}} is wanted")
    raise UsageError(f"setting {name or 'file'}: {error.message}")


def secret(value: str | Mapping[str, str], environ: Mapping[str, str]) -> Secret:
    """A header's value: given as it is, or where to find it. Raises UsageError when it is not there."""
    if isinstance(value, str):
        return Secret(value)
    prefix = value.get("prefix", "")
    if "env" in value:
        if value["env"] not in environ:
            raise UsageError(f"ingress.headers: environment variable {value['env']} is not set")
        return Secret(prefix + environ[value["env"]])
    try:
        return Secret(prefix + Path(value["file"]).read_text(encoding="utf-8").strip())
    except OSError as error:
        raise UsageError(f"ingress.headers: {value['file']}: {error.strerror}") from error
