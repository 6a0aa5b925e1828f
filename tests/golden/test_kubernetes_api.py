"""Replaying interactions with an API server, on small recordings of our own."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from conformance.golden.interaction import Interaction, read
from conformance.golden.kubernetes_api import replay
from conformance.golden.stated_limits import limit_of, limits
from conformance.golden.tally import Mismatch

CONFIG_MAPS = "/api/v1/namespaces/demo/configmaps"
JSON_HEADERS = {"cache-control": "no-cache, private", "content-type": "application/json"}


def _write(folder: Path, number: int, request: dict[str, Any], response: dict[str, Any]) -> None:
    head = {"name": f"step-{number}", "group": "own", "server": "A"}
    body = {**head, "request": request, "response": {"headers": JSON_HEADERS, **response}}
    (folder / f"own-{number:03}-step.json").write_text(json.dumps(body))


def _missing(name: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'configmaps "{name}" not found',
        "reason": "NotFound",
        "details": {"name": name, "kind": "configmaps"},
        "code": 404,
    }


def test_an_interaction_that_agrees_counts_without_a_mismatch(tmp_path: Path) -> None:
    _write(tmp_path, 1, {"method": "GET", "path": f"{CONFIG_MAPS}/a"}, {"status": 404, "body": _missing("a")})
    (tally,) = replay([tmp_path])
    assert (tally.decisions, tally.mismatches) == (1, [])


def test_another_status_or_another_word_is_one_line_each(tmp_path: Path) -> None:
    _write(tmp_path, 1, {"method": "GET", "path": f"{CONFIG_MAPS}/a"}, {"status": 410, "body": _missing("a")})
    wrong = {**_missing("a"), "message": "no such thing"}
    _write(tmp_path, 2, {"method": "GET", "path": f"{CONFIG_MAPS}/a"}, {"status": 404, "body": wrong})
    first, second = replay([tmp_path])
    assert [one.field for one in first.mismatches] == ["status", "body"]
    assert [(one.field, one.expected) for one in second.mismatches] == [("message", "no such thing")]


def test_what_a_request_presupposes_is_put_there_first(tmp_path: Path) -> None:
    metadata = {
        "name": "a",
        "namespace": "demo",
        "uid": "11111111-2222-4333-8444-555555555555",
        "resourceVersion": "40",
        "creationTimestamp": "2026-01-02T03:04:05Z",
    }
    value = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": {"x": "1"}}
    _write(tmp_path, 1, {"method": "GET", "path": f"{CONFIG_MAPS}/a"}, {"status": 200, "body": value})
    gone = {"name": "a", "kind": "configmaps", "uid": metadata["uid"]}
    done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": gone}
    _write(tmp_path, 2, {"method": "DELETE", "path": f"{CONFIG_MAPS}/a"}, {"status": 200, "body": done})
    assert [tally.mismatches for tally in replay([tmp_path])] == [[], []]


def test_every_limit_has_a_reason_and_names_its_requests_or_what_was_recorded() -> None:
    for limit in limits():
        assert len(limit.reason) > 20, limit.name
        assert limit.where.startswith("^") or limit.expected.startswith("^"), limit.name
        assert limit.field or limit.expected or limit.where.endswith(")"), limit.name


def test_the_documentation_names_the_same_limits_in_the_same_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api-limits.md").read_text("utf-8")
    assert re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE) == [limit.name for limit in limits()]


@pytest.mark.parametrize(
    ("method", "path", "field", "expected"),
    [
        ("GET", "/api/v1/namespaces/demo/pods", "status", 101),
        ("GET", "/api/v1/namespaces/demo/pods/p/exec", "status", 404),
        ("GET", "/version", "minor", "36"),
        ("GET", "/openapi/v3/apis/apps/v1", "paths./apis/apps/v1/namespaces/{namespace}/deployments.get", {}),
        ("GET", "/openapi/v3/apis/apps/v1", "components.schemas.io.k8s.api.apps.v1.Deployment.type", "object"),
        ("PATCH", "/api/v1/namespaces/demo/pods/p", "message", "the name cannot change"),
        ("GET", "/api/v1/namespaces/demo/pods", "rows[0].cells[1]", "1/1"),
        ("POST", "/apis/apps/v1/namespaces/demo/deployments", "status", 201),
    ],
)
def test_no_limit_covers_more_than_it_says(method: str, path: str, field: str, expected: Any) -> None:
    request = {"method": method, "path": path}
    (one,) = interactions_of({"request": request, "response": {"status": 200, "headers": {}}})
    assert limit_of(one, Mismatch("file", "place", field, expected, None)) is None


def interactions_of(content: dict[str, Any]) -> list[Interaction]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.json"
        path.write_text(json.dumps(content))
        return list(read(path, "one.json"))


def test_the_cells_of_a_row_are_compared_where_its_object_is_known(tmp_path: Path) -> None:
    metadata = {
        "name": "a",
        "namespace": "demo",
        "uid": "11111111-2222-4333-8444-555555555555",
        "resourceVersion": "40",
        "creationTimestamp": "2026-01-02T03:04:05Z",
    }
    value = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": {"x": "1"}}
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    columns = [
        {"name": name, "type": "string", "format": format_, "description": "", "priority": 0}
        for name, format_ in (("Name", "name"), ("Data", ""), ("Age", ""))
    ]
    shown = {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "41"},
        "columnDefinitions": columns,
        "rows": [{"cells": ["a", 7, "5s"], "object": head}],
    }
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    asked = {"method": "GET", "path": CONFIG_MAPS, "headers": accept}
    _write(tmp_path, 2, asked, {"status": 200, "body": shown})
    assert [tally.mismatches for tally in replay([tmp_path])] == [[]]
    _write(tmp_path, 1, {"method": "GET", "path": f"{CONFIG_MAPS}/a"}, {"status": 200, "body": value})
    _, table = replay([tmp_path])
    assert [(one.field, one.expected, one.got) for one in table.mismatches] == [("rows[0].cells[1]", 7, 1)]
