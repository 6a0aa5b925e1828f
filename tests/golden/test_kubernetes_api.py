"""Replaying interactions with an API server, on small recordings of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.golden.kubernetes_api import replay
from conformance.golden.stated_limits import limits

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


def test_every_limit_has_a_reason_and_a_pattern() -> None:
    for limit in limits():
        assert len(limit.reason) > 20, limit.name
        assert limit.where or limit.field or limit.expected or limit.accept, limit.name
