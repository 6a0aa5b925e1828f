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
    try:
        return jsonpatch.JsonPatch(patch).apply(copied(old))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as error:
        raise ApiError(
            "Invalid", "the server rejected our request due to an error in our request", details={}
        ) from error
