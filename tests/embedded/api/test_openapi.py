"""OpenAPI documents: what clients learn from them."""

from __future__ import annotations

from typing import Any

from tests.embedded.api.server import Api, fresh, in_virtual_time

APPS = "/openapi/v3/apis/apps/v1"


async def document(api: Api, path: str) -> Any:
    answer = await api.ask("GET", path)
    assert answer.status == 200
    return answer.body


@in_virtual_time
async def test_every_reference_leads_to_a_type_of_the_same_document() -> None:
    api = fresh()
    for path in (APPS, "/openapi/v3/api/v1", "/openapi/v3/apis/serving.kserve.io/v1beta1"):
        body = await document(api, path)
        known = {f"#/components/schemas/{name}" for name in body["components"]["schemas"]}
        assert set(references(body)) <= known


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for item in value.values() for one in references(item)]
    return [one for item in value for one in references(item)] if isinstance(value, list) else []


@in_virtual_time
async def test_a_built_in_type_tells_its_members_with_defaults_and_patch_keys() -> None:
    schemas = (await document(fresh(), APPS))["components"]["schemas"]
    spec = schemas["io.k8s.api.apps.v1.DaemonSetSpec"]
    assert spec["required"] == ["selector", "template"]
    template = spec["properties"]["template"]
    assert template == {"default": {}, "allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec"}]}
    pod = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert pod["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert pod["volumes"]["x-kubernetes-patch-strategy"] == "merge,retainKeys"
    assert "x-kubernetes-patch-merge-key" not in pod["tolerations"]


@in_virtual_time
async def test_operations_are_named_after_verb_group_version_and_kind() -> None:
    api = fresh()
    paths = (await document(api, "/openapi/v3/apis/rbac.authorization.k8s.io/v1"))["paths"]
    roles = paths["/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles"]
    assert roles["get"]["operationId"] == "listRbacAuthorizationV1NamespacedRole"
    assert roles["delete"]["operationId"] == "deleteRbacAuthorizationV1CollectionNamespacedRole"
    everywhere = paths["/apis/rbac.authorization.k8s.io/v1/roles"]
    assert everywhere["get"]["operationId"] == "listRbacAuthorizationV1RoleForAllNamespaces"
    scale = (await document(api, APPS))["paths"]["/apis/apps/v1/namespaces/{namespace}/replicasets/{name}/scale"]
    assert scale["patch"]["x-kubernetes-group-version-kind"]["kind"] == "Scale"
    assert [one["name"] for one in scale["patch"]["parameters"]] == [
        "dryRun",
        "fieldManager",
        "fieldValidation",
        "force",
    ]


@in_virtual_time
async def test_the_index_leads_to_every_document() -> None:
    api = fresh()
    index = (await api.ask("GET", "/openapi/v3")).body["paths"]
    assert {"api", "apis", "version", "api/v1", "apis/apps", "apis/apps/v1"} <= set(index)
    for entry in index.values():
        answer = await api.ask("GET", entry["serverRelativeURL"])
        assert (answer.status, answer.headers["cache-control"]) == (200, "public, immutable")
        assert answer.body["paths"]
