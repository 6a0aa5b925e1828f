"""The bodies of the documented models: TF-Serving's V1 for flowers and mnist, and the V2 protocol's basics."""

from __future__ import annotations

import base64
import binascii
import json
import math
from functools import lru_cache
from typing import Any, Final

from conformance.base.http.exchange import Response

JSON: Final = (("content-type", "application/json"),)
SCORES: Final = (0.97, 0.006, 0.006, 0.006, 0.006, 0.006)
"""Six classes of flowers; the first wins."""
DIGIT: Final = 2
"""What every picture of a digit shows."""
SIDE_PIXELS: Final = 28
REMEMBERED_BYTES: Final = 64 * 1024


class BadBodyError(Exception):
    """The request's body is not one of the model's; the text goes to the client."""


def json_response(status: int, value: object) -> Response:
    """A JSON answer, compact."""
    return Response(status, JSON, json.dumps(value, separators=(",", ":")).encode())


def instances(body: bytes) -> list[Any]:
    """The instances of a V1 request. Raises BadBodyError worded as TF-Serving words it."""
    try:
        value = json.loads(body)
    except json.JSONDecodeError as error:
        raise BadBodyError(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except (UnicodeDecodeError, RecursionError):
        raise BadBodyError("JSON Parse error: Invalid encoding in string. at offset: 0") from None
    if not isinstance(value, dict):
        raise BadBodyError("Request must be a JSON object")
    found = value.get("instances", value.get("inputs"))
    if found is None:
        raise BadBodyError("Missing 'inputs' or 'instances' key")
    if not isinstance(found, list) or not found:
        raise BadBodyError("JSON 'instances' must be a list with at least one value")
    return found


def predicted(body: bytes) -> Response:
    """The answer to a V1 request. Raises BadBodyError. Loads repeat one payload, so small ones are worked out once."""
    return _remembered(body) if len(body) <= REMEMBERED_BYTES else _predicted(body)


def _predicted(body: bytes) -> Response:
    return json_response(200, {"predictions": [prediction(instance) for instance in instances(body)]})


_remembered = lru_cache(maxsize=32)(_predicted)


def prediction(instance: Any) -> Any:
    """The answer to one V1 instance. Raises BadBodyError."""
    if isinstance(instance, dict) and ("data" in instance or "image" in instance):
        if "image" in instance:
            picture(instance["image"])
        return DIGIT
    answer: dict[str, Any] = {"scores": SCORES, "prediction": 0}
    if isinstance(instance, dict):
        if "image_bytes" in instance:
            picture(instance["image_bytes"])
        if "key" in instance:
            answer["key"] = instance["key"]
    return answer


def picture(value: Any) -> bytes:
    """The bytes of `{"b64": …}`. Raises BadBodyError."""
    text = value.get("b64") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise BadBodyError("JSON Value: an image must be an object with the one key 'b64'")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadBodyError("JSON Value: unable to decode base64 of 'b64'") from None


def transformed(body: bytes) -> bytes:
    """The transformer's request to its predictor, of a V1 request: each image as a 1 x 28 x 28 tensor. Raises
    BadBodyError. Loads repeat one payload here, too.

    A real transformer decodes the picture; here the file's bytes stand for its pixels, which is as large and as good.
    """
    return _remembered_tensors(body) if len(body) <= REMEMBERED_BYTES else _transformed(body)


def _transformed(body: bytes) -> bytes:
    return json.dumps({"instances": [{"data": _tensor(instance)} for instance in instances(body)]}).encode()


_remembered_tensors = lru_cache(maxsize=32)(_transformed)


def _tensor(instance: Any) -> list[list[list[float]]]:
    if not isinstance(instance, dict) or "image" not in instance:
        raise BadBodyError("an instance needs the key 'image'")
    content = picture(instance["image"]) or b"\0"
    needed = SIDE_PIXELS * SIDE_PIXELS
    pixels = (content * math.ceil(needed / len(content)))[:needed]
    values = [round(pixel / 255, 3) for pixel in pixels]
    return [[values[row : row + SIDE_PIXELS] for row in range(0, needed, SIDE_PIXELS)]]


def model_status() -> Response:
    """TF-Serving's answer to GET /v1/models/NAME."""
    status = {"error_code": "OK", "error_message": ""}
    return json_response(200, {"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": status}]})


def inference(model: str, body: bytes) -> Response:
    """V2: six scores for each input row. Raises BadBodyError."""
    try:
        value = json.loads(body)
    except ValueError:
        raise BadBodyError("failed to parse the request JSON buffer") from None
    inputs = value.get("inputs") if isinstance(value, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise BadBodyError("request needs a list 'inputs'")
    shape = inputs[0].get("shape") if isinstance(inputs[0], dict) else None
    rows = shape[0] if isinstance(shape, list) and shape and isinstance(shape[0], int) and 0 < shape[0] <= 1000 else 1
    output = {"name": "scores", "shape": [rows, len(SCORES)], "datatype": "FP32", "data": list(SCORES) * rows}
    answer: dict[str, Any] = {"model_name": model, "model_version": "1", "outputs": [output]}
    if isinstance(value.get("id"), str):
        answer["id"] = value["id"]
    return json_response(200, answer)
