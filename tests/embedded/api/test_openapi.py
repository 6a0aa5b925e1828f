"""OpenAPI documents: what kubectl learns from them."""

from __future__ import annotations

from typing import Any

from tests.embedded.api.server import Api, fresh, in_virtual_time

APPS = "/openapi/v3/apis/apps/v1"


async def document(api: Api, path: str) -> Any:
    answer = await api.ask("GET", path)
    assert answer.status == 200
    return answer.body


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for item in value.values() for one in references(item)]
    return [one for item in value for one in references(item)] if isinstance(value, list) else []


@in_virtual_time
async def test_every_reference_leads_to_a_type_of_the_same_document() -> None:
    api = fresh()
    for path in (APPS, "/openapi/v3/api/v1", "/openapi/v3/apis/serving.kserve.io/v1beta1"):
        body = await document(api, path)
        known = {f"#/components/schemas/{name}" for name in body["components"]["schemas"]}
        assert set(references(body)) <= known


@in_virtual_time
async def test_a_built_in_type_tells_its_members_with_their_patch_keys() -> None:
    schemas = (await document(fresh(), APPS))["components"]["schemas"]
    pod = schemas["io.k8s.api.PodSpec"]["properties"]
    assert pod["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert pod["volumes"]["x-kubernetes-patch-strategy"] == "merge,retainKeys"
    assert "x-kubernetes-patch-merge-key" not in pod["tolerations"]


@in_virtual_time
async def test_a_kind_says_how_and_with_which_options_it_is_patched() -> None:
    paths = (await document(fresh(), APPS))["paths"]
    patch = paths["/apis/apps/v1/namespaces/{namespace}/replicasets/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "ReplicaSet"}
    assert [one["name"] for one in patch["parameters"]] == ["dryRun", "fieldManager", "fieldValidation", "force"]
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


@in_virtual_time
async def test_the_index_leads_to_every_document_and_follows_new_kinds() -> None:
    api = fresh()
    index = (await api.ask("GET", "/openapi/v3")).body["paths"]
    assert {"api/v1", "apis/apps/v1", "apis/serving.kserve.io/v1beta1"} <= set(index)
    for entry in index.values():
        answer = await api.ask("GET", entry["serverRelativeURL"])
        assert (answer.status, answer.headers["cache-control"]) == (200, "public, immutable")
        unchanged = {"if-none-match": answer.headers["etag"]}
        assert (await api.ask("GET", entry["serverRelativeURL"], headers=unchanged)).status == 304
