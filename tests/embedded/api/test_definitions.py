"""CustomResourceDefinitions: how they end."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.embedded.api.server import Api, fresh, in_virtual_time

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BOXES = "/apis/example.com/v1/namespaces/default/boxes"
MERGE = "application/merge-patch+json"


def definition(**version: Any) -> dict[str, Any]:
    """A definition of boxes with one version."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "metadata": {"name": "boxes.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "boxes", "kind": "Box"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema, **version}],
        },
    }


def box(name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Box", "metadata": {"name": name, **metadata}}


async def with_boxes(*boxes: dict[str, Any]) -> Api:
    api = fresh()
    assert (await api.ask("POST", DEFINITIONS, definition())).status == 201
    for one in boxes:
        assert (await api.ask("POST", BOXES, one)).status == 201
    return api


@in_virtual_time
async def test_a_deleted_definition_is_marked_and_then_goes_with_its_objects() -> None:
    api = await with_boxes(box("a"), box("b"))
    before = api.store.version
    marked = (await api.ask("DELETE", f"{DEFINITIONS}/boxes.example.com")).body
    assert marked["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert marked["metadata"]["generation"] == 2
    await asyncio.sleep(0)
    assert (await api.ask("GET", f"{DEFINITIONS}/boxes.example.com")).status == 404
    assert (await api.ask("GET", BOXES)).status == 404
    events = await api.watch(f"{DEFINITIONS}?watch=true&timeoutSeconds=1&resourceVersion={before}")
    assert [event["type"] for event in events] == ["MODIFIED", "DELETED"]


@in_virtual_time
async def test_an_object_with_a_finalizer_holds_its_definition_and_no_new_one_comes() -> None:
    api = await with_boxes(box("held", finalizers=["example.com/wait"]), box("free"))
    await api.ask("DELETE", f"{DEFINITIONS}/boxes.example.com")
    await asyncio.sleep(1)
    left = (await api.ask("GET", BOXES)).body["items"]
    assert [one["metadata"]["name"] for one in left] == ["held"]
    refused = await api.ask("POST", BOXES, box("late"))
    assert refused.status == 403
    assert refused.message == (
        'boxes.example.com "late" is forbidden: create not allowed while custom resource definition is terminating'
    )
    assert (await api.ask("GET", f"{DEFINITIONS}/boxes.example.com")).body["metadata"]["deletionTimestamp"]
    await api.ask("PATCH", f"{BOXES}/held", {"metadata": {"finalizers": None}}, content_type=MERGE)
    await asyncio.sleep(1)
    assert (await api.ask("GET", f"{DEFINITIONS}/boxes.example.com")).status == 404


@in_virtual_time
async def test_a_watch_ends_with_the_definition_of_its_kind() -> None:
    api = await with_boxes(box("a"))
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(api.watch(f"{BOXES}?watch=true"))
        await asyncio.sleep(1)
        await api.ask("DELETE", f"{DEFINITIONS}/boxes.example.com")
    assert [event["type"] for event in watch.result()] == ["ADDED", "DELETED"]


@in_virtual_time
async def test_every_version_objects_were_stored_in_is_remembered() -> None:
    api = await with_boxes()
    changed = definition(storage=False)
    changed["spec"]["versions"].append({**definition()["spec"]["versions"][0], "name": "v2"})
    patched = await api.ask("PATCH", f"{DEFINITIONS}/boxes.example.com", {"spec": changed["spec"]}, content_type=MERGE)
    assert patched.body["status"]["storedVersions"] == ["v1", "v2"]


@in_virtual_time
async def test_a_rule_that_cannot_be_enforced_is_warned_of() -> None:
    api = fresh()
    schema = {"type": "object", "x-kubernetes-validations": [{"rule": "quantity(self.metadata.name).isInteger()"}]}
    made = await api.ask("POST", DEFINITIONS, definition(schema={"openAPIV3Schema": schema}))
    assert made.status == 201
    assert "is not understood by this server" in made.headers["warning"]


@in_virtual_time
async def test_the_source_of_a_cached_model_cannot_change() -> None:
    api = fresh()
    path = "/apis/serving.kserve.io/v1alpha1/localmodelcaches"
    spec = {"modelSize": "1Gi", "nodeGroups": ["g"], "sourceModelUri": "gs://a/b"}
    cache = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "LocalModelCache", "metadata": {"name": "a"}}
    assert (await api.ask("POST", path, {**cache, "spec": spec})).status == 201
    changed = await api.ask("PATCH", f"{path}/a", {"spec": {"sourceModelUri": "gs://c/d"}}, content_type=MERGE)
    assert changed.message.endswith('spec.sourceModelUri: Invalid value: "gs://c/d": StorageUri is immutable')
