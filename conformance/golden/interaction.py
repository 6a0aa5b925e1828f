"""One recorded request to a Kubernetes API server and the answer it got."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conformance.golden.document import read_json
from conformance.golden.interaction_shape import check

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and its answer. `place` tells requests of one file apart; empty when there is only one."""

    file: str
    place: str
    group: str
    server: str
    name: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes | None
    credentials: str
    status: int
    answer_headers: Mapping[str, Any] = field(repr=False)
    answer: Any = field(repr=False)
    stream: tuple[tuple[float, Any], ...] | None = field(repr=False)
    stream_end: str = ""
    duration_seconds: float = 0.0
    trimmed: bool = False
    omitted: bool = False
    """The request's body was left out of the recording."""

    @property
    def query_string(self) -> str:
        return "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in self.query)

    def parameter(self, name: str) -> str:
        return next((value for key, value in self.query if key == name), "")

    @property
    def is_watch(self) -> bool:
        return self.parameter("watch").lower() not in ("", "false", "0")


def read(path: Path, name: str) -> Iterator[Interaction]:
    """The interactions of one file: a single one, or those a client made one after the other.

    Raises SubmissionError for a file that cannot be read or holds something else.
    """
    content = read_json(path)
    check(name, content)
    if "requests" not in content:
        yield _one(name, "", content, content["request"], content["response"])
        return
    group = path.parent.name
    head = {"group": group, "server": "A", "name": content.get("name", path.stem)}
    for index, request in enumerate(content["requests"]):
        if "headers" in request.get("response", {}):
            yield _one(name, f"request {index}", head, request, request["response"])


def _one(file: str, place: str, head: Value, request: Value, response: Value) -> Interaction:
    body, omitted = _body(request)
    stream = response.get("stream")
    headers = {str(key).lower(): str(value) for key, value in (request.get("headers") or {}).items()}
    if "protobuf" in headers.get("content-type", "") and isinstance(request.get("body"), str) and len(body or b"") > 4:
        omitted = True  # binary kept as text has lost bytes
    return Interaction(
        file=file,
        place=place,
        group=str(head.get("group", "")),
        server=str(head.get("server", "A")),
        name=str(head.get("name", "")),
        method=str(request["method"]),
        path=str(request["path"]),
        query=tuple((str(pair[0]), str(pair[1])) for pair in request.get("query") or ()),
        headers=headers,
        body=body,
        credentials=str(request.get("credentials", "")),
        status=int(response.get("status") or 0),
        answer_headers=response.get("headers") or {},
        answer=response.get("body"),
        stream=None if stream is None else tuple(_line(one) for one in stream),
        stream_end=str(response.get("stream_end", "")),
        duration_seconds=float(response.get("duration_s") or 0.0),
        trimmed=bool(response.get("trimmed") or head.get("trimmed")),
        omitted=omitted,
    )


def _line(one: Value) -> tuple[float, Any]:
    """A line of a stream with its seconds; lines a client's relay saw carry none."""
    return (float(one["t"]), one["line"]) if "t" in one else (0.1, one)


def _body(request: Value) -> tuple[bytes | None, bool]:
    if "body" not in request or request["body"] is None:
        return None, False
    body = request["body"]
    if isinstance(body, str):
        return body.encode(), False
    if isinstance(body, dict) and "__omitted__" in body:
        return _described(str(body["__omitted__"]))
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(), False


def _described(text: str) -> tuple[bytes | None, bool]:
    """A body too large to keep, made again from its description."""
    value: Value = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "demo"},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "tensorflow"}, "storageUri": "gs://b/m"}}},
    }
    size = re.search(r"(\d+) bytes", text)
    if "annotation" in text and size:
        value["metadata"]["annotations"] = {"a": "x" * int(size[1])}
        return json.dumps(value).encode(), False
    operations = re.search(r"(\d+) (?:test |add |replace )?op", text)
    if operations:
        one = {"op": "test", "path": "/metadata/name", "value": "demo"}
        return json.dumps([one] * int(operations[1])).encode(), False
    if size:
        value["metadata"]["annotations"] = {"a": "x" * int(size[1])}
        return json.dumps(value).encode(), False
    if found := re.search(r"(\d+(?:\.\d+)?) MiB", text):
        value["metadata"]["annotations"] = {"a": "x" * int(float(found[1]) * 1024 * 1024)}
        return json.dumps(value).encode(), False
    return None, True
