"""Strategic merge patches: lists by key, directives, and what is wrong with a patch."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.base.clock import run_virtual
from tests.embedded.api.server import Answer, Api, fresh, in_virtual_time

STRATEGIC = "application/strategic-merge-patch+json"
DAEMONS = "/apis/apps/v1/namespaces/default/daemonsets"
MAPS = "/api/v1/namespaces/default/configmaps"


def daemon() -> dict[str, Any]:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    container = {"name": "main", "image": "i:1", "env": env, "ports": [{"containerPort": 80}]}
    volumes = [{"name": "data", "emptyDir": {}}]
    pod = {"containers": [container], "volumes": volumes, "nodeSelector": {"zone": "a"}}
    template = {"metadata": {"labels": {"app": "d"}}, "spec": pod}
    return {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"app": "d"}}, "template": template}}


async def patched(api: Api, pod: dict[str, Any]) -> Answer:
    """Patch the pod template of the one DaemonSet."""
    if (await api.ask("GET", f"{DAEMONS}/d")).status == 404:
        assert (await api.ask("POST", DAEMONS, daemon())).status == 201
    return await api.ask("PATCH", f"{DAEMONS}/d", {"spec": {"template": {"spec": pod}}}, content_type=STRATEGIC)


async def pod_after(pod: dict[str, Any]) -> dict[str, Any]:
    answer = await patched(fresh(), pod)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body["spec"]["template"]["spec"]
    return found


@in_virtual_time
async def test_an_item_is_deleted_by_its_key_and_the_others_stay() -> None:
    pod = await pod_after({"containers": [{"name": "main", "env": [{"name": "A", "$patch": "delete"}]}]})
    assert pod["containers"][0]["env"] == [{"name": "B", "value": "2"}]


@in_virtual_time
async def test_a_list_is_replaced_whole_where_it_says_so() -> None:
    ports = [{"$patch": "replace"}, {"containerPort": 90}]
    pod = await pod_after({"containers": [{"name": "main", "ports": ports}]})
    assert pod["containers"][0]["ports"] == [{"containerPort": 90, "protocol": "TCP"}]


@in_virtual_time
async def test_items_come_in_the_order_asked_for() -> None:
    order = [{"name": "C"}, {"name": "B"}, {"name": "A"}]
    container = {"name": "main", "$setElementOrder/env": order, "env": [{"name": "C", "value": "3"}]}
    pod = await pod_after({"containers": [container]})
    assert [one["name"] for one in pod["containers"][0]["env"]] == ["C", "B", "A"]


@in_virtual_time
async def test_a_volume_changes_its_source_by_the_keys_that_are_retained() -> None:
    volume = {"name": "data", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}
    pod = await pod_after({"volumes": [volume]})
    assert pod["volumes"] == [{"name": "data", "secret": {"secretName": "s", "defaultMode": 420}}]


@in_virtual_time
async def test_a_map_is_replaced_or_emptied_by_a_directive() -> None:
    assert (await pod_after({"nodeSelector": {"$patch": "replace", "disk": "fast"}}))["nodeSelector"] == {
        "disk": "fast"
    }
    assert not (await pod_after({"nodeSelector": {"$patch": "delete"}}))["nodeSelector"]


@in_virtual_time
async def test_finalizers_are_added_ordered_and_taken_out_one_by_one() -> None:
    api = fresh()
    await api.ask("POST", MAPS, {"metadata": {"name": "m", "finalizers": ["a.b/one", "a.b/two"]}})

    async def after(metadata: dict[str, Any]) -> Any:
        answer = await api.ask("PATCH", f"{MAPS}/m", {"metadata": metadata}, content_type=STRATEGIC)
        return answer.body["metadata"]["finalizers"]

    assert await after({"finalizers": ["a.b/three"]}) == ["a.b/one", "a.b/two", "a.b/three"]
    assert await after({"$deleteFromPrimitiveList/finalizers": ["a.b/two"]}) == ["a.b/one", "a.b/three"]
    assert await after({"$setElementOrder/finalizers": ["a.b/three", "a.b/one"]}) == ["a.b/three", "a.b/one"]


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        ({"$patch": "add"}, "unknown patch type: add"),
        ({"containers": [{"name": "main", "$patch": "drop"}]}, "unknown patch type: drop"),
        ({"containers": [{"image": "i"}]}, "an item of containers does not contain declared merge key: name"),
        ({"volumes": [{"name": "data", "$retainKeys": ["name"], "hostPath": {}}]}, "invalid patch format"),
    ],
)
def test_a_patch_that_contradicts_itself_is_refused(pod: dict[str, Any], message: str) -> None:
    async def main() -> None:
        answer = await patched(fresh(), pod)
        assert answer.status == 400
        assert answer.message.startswith(message)

    run_virtual(main())
