"""What a recorded answer tells of the state before it, when nothing else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.golden.kubernetes_api import replay
from conformance.golden.presupposed_words import labels_for, quota_of

SPACE = "/api/v1/namespaces/demo"
HEADERS = {"cache-control": "no-cache, private", "content-type": "application/json"}


def replayed(folder: Path, request: dict[str, Any], status: int, body: Any) -> list[Any]:
    """The mismatches of one interaction alone."""
    content = {"name": "one", "group": "own", "request": request}
    content["response"] = {"status": status, "headers": HEADERS, "body": body}
    (folder / "own-001-one.json").write_text(json.dumps(content))
    (tally,) = replay([folder])
    return tally.mismatches


def failure(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**head, "message": message, "reason": reason, "code": code, **({"details": details} if details else {})}


def test_a_container_that_waits_is_there_to_wait(tmp_path: Path) -> None:
    words = 'container "main" in pod "p" is waiting to start: trying and failing to pull image'
    request = {"method": "GET", "path": f"{SPACE}/pods/p/log"}
    assert replayed(tmp_path, request, 400, failure(400, "BadRequest", words)) == []


def test_the_containers_to_choose_from_are_there(tmp_path: Path) -> None:
    words = "a container name must be specified for pod p, choose one of: [one two]"
    request = {"method": "GET", "path": f"{SPACE}/pods/p/log"}
    assert replayed(tmp_path, request, 400, failure(400, "BadRequest", words)) == []


def test_a_name_that_is_still_being_deleted_is_held(tmp_path: Path) -> None:
    words = 'object is being deleted: configmaps "a" already exists'
    request = {"method": "POST", "path": f"{SPACE}/configmaps", "body": {"metadata": {"name": "a"}}}
    answer = failure(409, "AlreadyExists", words, name="a", kind="configmaps")
    assert replayed(tmp_path, request, 409, answer) == []


def test_an_exceeded_quota_is_there_and_used_up(tmp_path: Path) -> None:
    amounts = "requested: configmaps=1, used: configmaps=2, limited: configmaps=2"
    words = f'configmaps "a" is forbidden: exceeded quota: few, {amounts}'
    request = {"method": "POST", "path": f"{SPACE}/configmaps", "body": {"metadata": {"name": "a"}}}
    assert replayed(tmp_path, request, 403, failure(403, "Forbidden", words, name="a", kind="configmaps")) == []
    assert quota_of(words) == ("few", {"hard": {"configmaps": "2"}})
    assert quota_of("something else") is None


def test_a_page_has_as_many_behind_it_as_it_says(tmp_path: Path) -> None:
    metadata = {
        "name": "a",
        "namespace": "demo",
        "uid": "11111111-2222-4333-8444-555555555555",
        "resourceVersion": "40",
        "creationTimestamp": "2026-01-02T03:04:05Z",
    }
    listed = {
        "kind": "ConfigMapList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "50", "continue": "more", "remainingItemCount": 3},
        "items": [{"metadata": metadata}],
    }
    request = {"method": "GET", "path": f"{SPACE}/configmaps", "query": [["limit", "1"]]}
    assert replayed(tmp_path, request, 200, listed) == []


def test_labels_are_made_for_what_a_selector_asks() -> None:
    assert labels_for("a=b,c in (d,e),f,!g,h!=i") == {"a": "b", "c": "d", "f": "presupposed"}
    assert labels_for("((") == {}
