"""CustomResourceDefinitions: how they end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conformance.base.clock import run_virtual
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
    assert marked["status"]["conditions"][-1]["reason"] == "InstanceDeletionPending"
    await asyncio.sleep(0)
    assert (await api.ask("GET", f"{DEFINITIONS}/boxes.example.com")).status == 404
    assert (await api.ask("GET", BOXES)).body == "404 page not found\n"
    events = await api.watch(f"{DEFINITIONS}?watch=true&timeoutSeconds=1&resourceVersion={before}")
    conditions = [event["object"]["status"]["conditions"][-1] for event in events]
    assert [(event["type"], one["status"], one["reason"]) for event, one in zip(events, conditions, strict=True)] == [
        ("MODIFIED", "True", "InstanceDeletionPending"),
        ("MODIFIED", "True", "InstanceDeletionInProgress"),
        ("DELETED", "False", "InstanceDeletionCompleted"),
    ]


@in_virtual_time
async def test_an_object_with_a_finalizer_holds_its_definition_and_no_new_one_comes() -> None:
    api = await with_boxes(box("held", finalizers=["example.com/wait"]), box("free"))
    await api.ask("DELETE", f"{DEFINITIONS}/boxes.example.com")
    await asyncio.sleep(0)
    left = (await api.ask("GET", BOXES)).body["items"]
    assert [one["metadata"]["name"] for one in left] == ["held"]
    refused = await api.ask("POST", BOXES, box("late"))
    assert refused.status == 403
    assert refused.message == (
        'boxes.example.com "late" is forbidden: create not allowed while custom resource definition is terminating'
    )
    held = await api.ask("GET", f"{DEFINITIONS}/boxes.example.com")
    assert held.body["status"]["conditions"][-1]["reason"] == "InstanceDeletionInProgress"
    await api.ask("PATCH", f"{BOXES}/held", {"metadata": {"finalizers": None}}, content_type=MERGE)
    await asyncio.sleep(0)
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


RULED = {
    "type": "object",
    "properties": {
        "least": {"type": "integer"},
        "most": {"type": "integer"},
        "home-page": {"type": "string"},
        "names": {"type": "array", "items": {"type": "string"}},
        "until": {"type": "string", "format": "date-time"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "size": {
                        "type": "integer",
                        "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "may only grow"}],
                    },
                },
            },
        },
    },
    "x-kubernetes-validations": [
        {"rule": "!has(self.least) || self.least <= self.most", "messageExpression": "'up to ' + string(self.most)"},
        {"rule": "!has(self.names) || self.names.all(one, one.startsWith('n'))", "fieldPath": ".names"},
        {
            "rule": "!has(self.home__dash__page) || self.home__dash__page.matches('^https:')",
            "reason": "FieldValueForbidden",
        },
        {"rule": "!has(self.until) || self.until > timestamp('2026-01-01T00:00:00Z')", "message": "is over"},
    ],
}


async def ruled() -> Api:
    api = fresh()
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": RULED}}}
    made = await api.ask("POST", DEFINITIONS, definition(schema=schema))
    assert (made.status, made.headers.get("warning")) == (201, None)
    return api


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"least": 3, "most": 2}, "spec: Invalid value: up to 2"),
        ({"names": ["n1", "m2"]}, "spec.names: Invalid value: failed rule: !has(self.names)"),
        ({"home-page": "ftp://a"}, "spec: Forbidden: failed rule: !has(self.home__dash__page)"),
        ({"until": "2025-12-31T23:00:00Z"}, "spec: Invalid value: is over"),
        ({"least": 3}, 'spec: Invalid value: "object": no such key: most evaluating rule: '),
    ],
)
def test_a_broken_rule_is_told_with_its_message_place_and_reason(spec: dict[str, Any], words: str) -> None:
    async def main() -> None:
        api = await ruled()
        refused = await api.ask("POST", BOXES, {**box("a"), "spec": spec})
        assert refused.status == 422
        assert words in refused.message

    run_virtual(main())


@in_virtual_time
async def test_a_rule_about_change_follows_items_by_their_keys() -> None:
    api = await ruled()
    parts = [{"name": "a", "size": 1}, {"name": "b", "size": 5}]
    spec = {"least": 1, "most": 2, "names": ["n"], "home-page": "https://a", "until": "2026-06-01T00:00:00Z"}
    assert (await api.ask("POST", BOXES, {**box("a"), "spec": {**spec, "parts": parts}})).status == 201
    turned = [{"name": "b", "size": 6}, {"name": "c", "size": 0}, {"name": "a", "size": 1}]
    grown = await api.ask("PATCH", f"{BOXES}/a", {"spec": {"parts": turned}}, content_type=MERGE)
    assert grown.status == 200
    shrunk = await api.ask("PATCH", f"{BOXES}/a", {"spec": {"parts": parts}}, content_type=MERGE)
    assert "spec.parts[1].size: Invalid value: 5: may only grow" in shrunk.message


@in_virtual_time
async def test_a_rule_that_cannot_be_enforced_is_warned_of() -> None:
    api = fresh()
    schema = {"type": "object", "x-kubernetes-validations": [{"rule": "quantity(self.metadata.name).isInteger()"}]}
    made = await api.ask("POST", DEFINITIONS, definition(schema={"openAPIV3Schema": schema}))
    assert made.status == 201
    assert "is not understood by this server and not enforced" in made.headers["warning"]


@in_virtual_time
async def test_the_source_of_a_cached_model_cannot_change() -> None:
    api = fresh()
    path = "/apis/serving.kserve.io/v1alpha1/localmodelcaches"
    spec = {"modelSize": "1Gi", "nodeGroups": ["g"], "sourceModelUri": "gs://a/b"}
    cache = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "LocalModelCache", "metadata": {"name": "a"}}
    assert (await api.ask("POST", path, {**cache, "spec": spec})).status == 201
    changed = await api.ask("PATCH", f"{path}/a", {"spec": {"sourceModelUri": "gs://c/d"}}, content_type=MERGE)
    assert changed.message.endswith('spec.sourceModelUri: Invalid value: "gs://c/d": StorageUri is immutable')
