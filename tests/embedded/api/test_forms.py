"""Which options go together, and in which form an answer comes."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.base.clock import run_virtual
from tests.embedded.api.server import fresh, in_virtual_time

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
PARTIAL = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}


def a_map(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": {"k": "v"}}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("resourceVersionMatch=Exact", "Exact needs a resourceVersion other than 0"),
        ("resourceVersionMatch=Nearly", 'Unsupported value: "Nearly"'),
    ],
)
def test_a_match_that_means_nothing_is_refused(query: str, words: str) -> None:
    async def main() -> None:
        refused = await fresh().ask("GET", f"{MAPS}?{query}")
        assert refused.status == 422
        assert words in refused.message

    run_virtual(main())


@in_virtual_time
async def test_a_write_nobody_can_answer_is_refused_before_it_is_done() -> None:
    api = fresh()
    refused = await api.ask("POST", MAPS, a_map("a"), headers={"accept": "text/html"})
    assert refused.status == 406
    assert (await api.ask("GET", f"{MAPS}/a")).status == 404


@in_virtual_time
async def test_writes_are_answered_as_tables_or_metadata_where_asked() -> None:
    api = fresh()
    made = await api.ask("POST", MAPS, a_map("a"), headers=TABLE)
    assert (made.status, made.body["kind"]) == (201, "Table")
    assert [row["cells"][:2] for row in made.body["rows"]] == [["a", 1]]
    patched = await api.ask(
        "PATCH", f"{MAPS}/a", {"data": {"l": "w"}}, content_type="application/merge-patch+json", headers=PARTIAL
    )
    assert (patched.body["kind"], "data" in patched.body) == ("PartialObjectMetadata", False)
    gone = await api.ask("DELETE", f"{MAPS}/a", headers=TABLE)
    assert gone.body["kind"] == "Status"


@in_virtual_time
async def test_an_unknown_content_of_rows_is_refused() -> None:
    refused = await fresh().ask("GET", f"{MAPS}?includeObject=all", headers=TABLE)
    assert (refused.status, refused.message) == (
        400,
        "includeObject: Invalid value: 'all': must be 'Metadata', 'Object', 'None', or empty",
    )


ROWS: list[tuple[str, dict[str, Any], list[Any]]] = [
    (
        "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
        {"spec": {"rules": [{"host": f"{one}.example.com"} for one in "ab"]}},
        ["a", None, "a.example.com b.example.com", None, "0s"],
    ),
    (
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
        {"spec": {"maxUnavailable": "20%", "selector": {}}},
        ["a", None, "20%", "0", "0s"],
    ),
    (
        "/api/v1/namespaces/default/services",
        {"spec": {"type": "NodePort", "ports": [{"port": 80}]}},
        ["a", "NodePort", "10.96.0.10", "<none>", "80/TCP", "0s", "<none>"],
    ),
    (
        "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
        {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3}},
        ["a", "Deployment/d", "cpu: <unknown>/80%", "1", 3, 0, "0s"],
    ),
    ("/api/v1/namespaces/default/secrets", {"stringData": {"k": "v"}}, ["a", "Opaque", 1, "0s"]),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", {"rules": []}, ["a", "0s"]),
]


@pytest.mark.parametrize(("path", "body", "cells"), ROWS)
def test_the_rows_of_a_kind_say_what_kubectl_shows(path: str, body: dict[str, Any], cells: list[Any]) -> None:
    async def main() -> None:
        api = fresh()
        metadata = {"name": "a", **body.get("metadata", {})}
        made = await api.ask("POST", path, {**body, "metadata": metadata})
        assert made.status == 201, made.body
        shown = (await api.ask("GET", path, headers=TABLE)).body
        row = next(one for one in shown["rows"] if one["object"]["metadata"]["name"] == "a")
        assert row["cells"] == cells
        assert len(shown["columnDefinitions"]) == len(cells)

    run_virtual(main())
