"""Server-side apply on built-in kinds: who owns what, and what is refused."""

from __future__ import annotations

from typing import Any

from tests.embedded.api.server import Answer, Api, fresh, in_virtual_time

APPLY = "application/apply-patch+yaml"
MAPS = "/api/v1/namespaces/default/configmaps"
SETS = "/apis/apps/v1/namespaces/default/replicasets"


async def apply(api: Api, path: str, body: dict[str, Any], manager: str, query: str = "") -> Answer:
    return await api.ask("PATCH", f"{path}?fieldManager={manager}{query}", body, content_type=APPLY)


def a_map(**members: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, **members}


def a_set(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "s"}, "spec": spec}


def whole_set() -> dict[str, Any]:
    pod = {"containers": [{"name": "main", "image": "i:1", "ports": [{"containerPort": 80}]}]}
    labels = {"app": "s"}
    return a_set(selector={"matchLabels": labels}, template={"metadata": {"labels": labels}, "spec": pod})


def owners(answer: Answer) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in answer.body["metadata"]["managedFields"]}


@in_virtual_time
async def test_two_managers_own_items_of_one_list_and_each_takes_its_own_away() -> None:
    api = fresh()
    await apply(api, f"{SETS}/s", whole_set(), "first")
    side = {"template": {"spec": {"containers": [{"name": "side", "image": "j:1"}]}}}
    both = await apply(api, f"{SETS}/s", a_set(**side), "second")
    assert [one["name"] for one in both.body["spec"]["template"]["spec"]["containers"]] == ["main", "side"]
    keys = owners(both)["second"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert list(keys) == ['k:{"name":"side"}']
    nothing = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "s"}}
    without = await apply(api, f"{SETS}/s", nothing, "second")
    assert [one["name"] for one in without.body["spec"]["template"]["spec"]["containers"]] == ["main"]
    assert "second" not in owners(without)


@in_virtual_time
async def test_an_atomic_part_belongs_to_one_manager_whole() -> None:
    api = fresh()
    made = await apply(api, f"{SETS}/s", whole_set(), "first")
    assert owners(made)["first"]["f:spec"]["f:selector"] == {}


@in_virtual_time
async def test_members_of_a_set_go_when_their_owner_leaves_them_out() -> None:
    api = fresh()
    two = a_map(metadata={"name": "m", "finalizers": ["a.b/one", "a.b/two"]})
    made = await apply(api, f"{MAPS}/m", two, "first")
    assert owners(made)["first"]["f:metadata"]["f:finalizers"] == {'v:"a.b/one"': {}, 'v:"a.b/two"': {}}
    one = await apply(api, f"{MAPS}/m", a_map(metadata={"name": "m", "finalizers": ["a.b/two"]}), "first")
    assert one.body["metadata"]["finalizers"] == ["a.b/two"]


@in_virtual_time
async def test_a_scaled_workload_is_in_conflict_with_who_applied_its_replicas() -> None:
    api = fresh()
    await apply(api, f"{SETS}/s", whole_set(), "first")
    await apply(api, f"{SETS}/s", a_set(replicas=3), "second")
    await api.ask("PUT", f"{SETS}/s/scale", {"metadata": {"name": "s"}, "spec": {"replicas": 5}})
    refused = await apply(api, f"{SETS}/s", a_set(replicas=3), "second")
    words = 'conflict with "unknown" with subresource "scale" using apps/v1'
    assert (refused.status, refused.message) == (409, f"Apply failed with 1 conflict: {words}: .spec.replicas")
    forced = await apply(api, f"{SETS}/s", a_set(replicas=3), "second", "&force=true")
    assert forced.body["spec"]["replicas"] == 3
    assert "unknown" not in owners(forced)


@in_virtual_time
async def test_what_is_applied_to_the_status_is_owned_there() -> None:
    api = fresh()
    await apply(api, f"{SETS}/s", whole_set(), "first")
    status = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "s"}, "status": {"replicas": 2}}
    told = await apply(api, f"{SETS}/s/status", status, "teller")
    entry = next(one for one in told.body["metadata"]["managedFields"] if one["manager"] == "teller")
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:replicas": {}}})
    assert told.body["metadata"]["generation"] == 1


@in_virtual_time
async def test_an_applied_uid_must_be_that_of_an_object_that_is_there() -> None:
    api = fresh()
    new = a_map(metadata={"name": "m", "uid": "11111111-2222-4333-8444-555555555555"})
    refused = await apply(api, f"{MAPS}/m", new, "first")
    assert refused.status == 409
    assert refused.message.endswith("uid mismatch: no existing object was found")
    await apply(api, f"{MAPS}/m", a_map(), "first")
    assert (await apply(api, f"{MAPS}/m", new, "first")).body["details"]["causes"][0]["field"] == "metadata.uid"


@in_virtual_time
async def test_a_null_text_is_stored_as_an_empty_one() -> None:
    made = await apply(fresh(), f"{MAPS}/m", a_map(data={"a": None, "b": "c"}), "first")
    assert made.body["data"] == {"a": "", "b": "c"}


@in_virtual_time
async def test_a_list_with_the_same_key_twice_is_refused() -> None:
    ports = [{"containerPort": 1}, {"containerPort": 1}]
    pod = {"containers": [{"name": "main", "image": "i", "ports": ports}]}
    refused = await apply(fresh(), f"{SETS}/s", a_set(template={"spec": pod}), "first")
    assert refused.status == 500
    assert refused.message == (
        "failed to create typed patch object (default/s; apps/v1, Kind=ReplicaSet): "
        '.spec.template.spec.containers[0].ports[1]: Duplicate value: {"containerPort":1}'
    )


@in_virtual_time
async def test_a_scale_has_no_less_than_none_and_the_name_of_the_url() -> None:
    api = fresh()
    await apply(api, f"{SETS}/s", whole_set(), "first")
    less = await api.ask("PUT", f"{SETS}/s/scale", {"metadata": {"name": "s"}, "spec": {"replicas": -1}})
    assert less.message == (
        'Scale.autoscaling "s" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    )
    other = await api.ask("PUT", f"{SETS}/s/scale", {"metadata": {"name": "t"}, "spec": {"replicas": 1}})
    assert (other.status, other.message) == (400, "the name of the object (t) does not match the name on the URL (s)")
