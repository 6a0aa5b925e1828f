"""RFC 6902 JSON patch, with the deviations of the library the API server uses."""

from __future__ import annotations

from typing import Any, Final

import jsonpatch

from clusters.embedded.api.status import ApiError, Object, bad_request
from clusters.embedded.api.values import copied

OPERATIONS_LIMIT: Final = 10_000


def patched(old: Object, patch: Any) -> Any:
    """The object after all operations. Raises ApiError."""
    if not isinstance(patch, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    if len(patch) > OPERATIONS_LIMIT:
        text = f"The allowed maximum operations in a JSON patch is {OPERATIONS_LIMIT}, got {len(patch)}"
        raise ApiError("RequestEntityTooLarge", text)
    value = copied(old)
    try:
        for operation in patch:
            meant = _meant(operation, value)
            if meant is not None:
                value = jsonpatch.JsonPatch([meant]).apply(value, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError, ValueError) as error:
        raise ApiError(
            "Invalid", "the server rejected our request due to an error in our request", details={}
        ) from error
    return value


def _meant(operation: Any, value: Any) -> dict[str, Any] | None:
    """An operation as RFC 6902 would have it written; None for one that holds already.

    The server's library replaces absent members as if it added them, finds null in absent ones, and counts list items
    from the end; it never replaces the whole document. Raises KeyError for an operation without a path.
    """
    made = dict(operation)
    for member in ("path", "from"):
        if member in made:
            made[member] = _counted(str(made[member]), value)
    parent, name = _parent(made["path"], value)
    is_absent = isinstance(parent, dict) and name not in parent
    if made["op"] == "test" and is_absent and made.get("value") is None:
        return None
    if made["op"] == "replace" and is_absent:
        made["op"] = "add"
    if made["op"] in ("add", "replace"):
        made.setdefault("value", None)
    if made["op"] == "copy":
        source, key = _parent(made["from"], value)
        if isinstance(source, dict) and key not in source:
            return {"op": "add", "path": made["path"], "value": None}
    return made


def _names(path: str) -> list[str]:
    if not path.startswith("/"):
        raise KeyError(path)
    return path[1:].split("/")


def _parent(path: str, value: Any) -> tuple[Any, str]:
    """What holds the last step of a path, None when there is no such thing, and the step as a name."""
    *steps, last = (name.replace("~1", "/").replace("~0", "~") for name in _names(path))
    for name in steps:
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None, last
    return value, last


def _counted(path: str, value: Any) -> str:
    """A path whose list items are all counted from the beginning."""
    names = _names(path)
    for place, name in enumerate(names):
        held, _ = _parent("/" + "/".join(names[: place + 1]), value)
        if isinstance(held, list) and name.startswith("-") and name[1:].isdigit():
            names[place] = str(len(held) - int(name[1:]))
    return "/" + "/".join(names)
