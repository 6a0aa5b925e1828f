"""Built-in objects read back as Go's typed structs write them."""

from __future__ import annotations

from typing import Any

from tests.embedded.api.server import fresh, in_virtual_time

PODS = "/api/v1/namespaces/default/pods"


@in_virtual_time
async def test_empty_members_are_left_out_and_members_that_are_always_there_are_spelled_out() -> None:
    api = fresh()

    async def stored(path: str, body: Any) -> Any:
        return (await api.ask("POST", path, body)).body

    settings = await stored("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "a"}, "data": {}})
    assert "data" not in settings
    role = await stored("/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": "a"}, "rules": []})
    assert role["rules"] is None
    budget = await stored(
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
        {"metadata": {"name": "a"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {}}}},
    )
    assert budget["spec"] == {"minAvailable": 1, "selector": {}}
    assert budget["status"] == {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}


@in_virtual_time
async def test_a_pods_empty_texts_go_and_pointers_to_zero_stay() -> None:
    api = fresh()
    resource = {"resourceFieldRef": {"resource": "limits.cpu"}}
    container = {"name": "c", "image": "i", "workingDir": "", "env": [{"name": "A", "value": ""}]}
    container["env"] += [{"name": "B", "valueFrom": resource}]  # type: ignore[operator]
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, "hostNetwork": False}
    made = (await api.ask("POST", PODS, {"metadata": {"name": "p", "labels": {}}, "spec": spec})).body
    assert made["spec"]["terminationGracePeriodSeconds"] == 0
    assert "hostNetwork" not in made["spec"]
    assert "labels" not in made["metadata"]
    first = made["spec"]["containers"][0]
    assert "workingDir" not in first
    assert first["env"] == [
        {"name": "A"},
        {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}}},
    ]
