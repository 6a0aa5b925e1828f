"""Answers in protobuf: what is written can be read, and says the same as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.embedded.api import protobuf
from clusters.embedded.api.go_structs import written
from conformance.base.clock import run_virtual
from tests.embedded.api.server import Api, fresh, in_virtual_time

PROTOBUF = "application/vnd.kubernetes.protobuf"
SPACE = "namespaces/default"
POD = {
    "containers": [
        {
            "name": "c",
            "image": "i",
            "ports": [{"containerPort": 80}],
            "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}},
            "readinessProbe": {"httpGet": {"port": "http"}, "initialDelaySeconds": 3},
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        }
    ],
    "terminationGracePeriodSeconds": 0,
    "tolerations": [{"operator": "Exists"}],
}
OBJECTS: list[tuple[str, dict[str, Any]]] = [
    (f"/api/v1/{SPACE}/pods", {"spec": POD}),
    (f"/api/v1/{SPACE}/configmaps", {"data": {"b": "2", "a": ""}, "binaryData": {"c": "AAEC"}, "immutable": False}),
    (f"/api/v1/{SPACE}/services", {"spec": {"ports": [{"port": 1, "targetPort": "name"}]}}),
    (f"/apis/apps/v1/{SPACE}/controllerrevisions", {"data": {"a": [1, None]}, "revision": -0}),
    (
        f"/apis/coordination.k8s.io/v1/{SPACE}/leases",
        {"spec": {"holderIdentity": "h", "renewTime": "2026-01-02T03:04:05.000678Z"}},
    ),
    (
        f"/apis/networking.k8s.io/v1/{SPACE}/networkpolicies",
        {"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}, {"port": "http"}]}]}},
    ),
    ("/apis/rbac.authorization.k8s.io/v1/clusterroles", {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]}),
    ("/apis/scheduling.k8s.io/v1/priorityclasses", {"value": -7}),
]


async def in_protobuf(api: Api, path: str) -> Any:
    answer = await api.ask("GET", path, headers={"accept": PROTOBUF})
    assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF)
    return written(protobuf.decode(answer.body))


@pytest.mark.parametrize(("path", "body"), OBJECTS)
def test_an_object_and_its_list_say_the_same_in_both_forms(path: str, body: dict[str, Any]) -> None:
    async def main() -> None:
        api = fresh()
        metadata = {"name": "a", "labels": {"z": "1", "b": ""}, "annotations": {"n": "v"}}
        made = await api.ask("POST", path, {"metadata": metadata, **body})
        assert made.status == 201, made.body
        plain = (await api.ask("GET", f"{path}/a")).body
        assert await in_protobuf(api, f"{path}/a") == plain
        listed = await in_protobuf(api, path)
        items = {one["metadata"]["name"]: one for one in listed["items"]}
        assert items["a"] == {name: value for name, value in plain.items() if name not in ("kind", "apiVersion")}

    run_virtual(main())


@in_virtual_time
async def test_errors_and_discovery_have_that_form_too() -> None:
    api = fresh()
    missing = await api.ask("GET", f"/api/v1/{SPACE}/pods/none", headers={"accept": PROTOBUF})
    assert missing.status == 404
    assert protobuf.decode(missing.body)["message"] == 'pods "none" not found'
    group = await in_protobuf(api, "/apis/apps")
    assert (group["name"], group["preferredVersion"]["version"]) == ("apps", "v1")


@in_virtual_time
async def test_a_watch_sends_frames_of_events() -> None:
    api = fresh()
    path = f"/api/v1/{SPACE}/configmaps"
    await api.ask("POST", path, {"metadata": {"name": "a"}})
    answer = await api.ask("GET", f"{path}?watch=1&timeoutSeconds=1", headers={"accept": f"{PROTOBUF};stream=watch"})
    assert answer.headers["content-type"] == f"{PROTOBUF};stream=watch"
    assert int.from_bytes(answer.body[:4], "big") == len(answer.body) - 4
    assert answer.body[4:11] == b"\n\x05ADDED"
    assert protobuf.decode(answer.body[answer.body.index(b"k8s\0") :])["metadata"]["name"] == "a"


@in_virtual_time
async def test_tables_and_custom_resources_have_no_such_form() -> None:
    api = fresh()
    table = f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1"
    shown = await api.ask("GET", f"/api/v1/{SPACE}/configmaps", headers={"accept": f"{table},application/json"})
    assert shown.headers["content-type"] == "application/json"
    services = "/apis/serving.kserve.io/v1beta1/inferenceservices"
    assert (await api.ask("GET", services, headers={"accept": PROTOBUF})).status == 406
    partial = f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert (await api.ask("GET", services, headers={"accept": partial})).headers["content-type"] == PROTOBUF
