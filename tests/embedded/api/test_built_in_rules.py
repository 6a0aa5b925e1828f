"""Defaults and refusals of built-in kinds."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.base.clock import run_virtual
from tests.embedded.api.server import Answer, Api, fresh, in_virtual_time

SPACE = "namespaces/default"
MERGE = "application/merge-patch+json"
PATHS = {
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ControllerRevision": f"/apis/apps/v1/{SPACE}/controllerrevisions",
    "CronJob": f"/apis/batch/v1/{SPACE}/cronjobs",
    "DaemonSet": f"/apis/apps/v1/{SPACE}/daemonsets",
    "Ingress": f"/apis/networking.k8s.io/v1/{SPACE}/ingresses",
    "Job": f"/apis/batch/v1/{SPACE}/jobs",
    "Lease": f"/apis/coordination.k8s.io/v1/{SPACE}/leases",
    "LimitRange": f"/api/v1/{SPACE}/limitranges",
    "NetworkPolicy": f"/apis/networking.k8s.io/v1/{SPACE}/networkpolicies",
    "PersistentVolumeClaim": f"/api/v1/{SPACE}/persistentvolumeclaims",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
    "RoleBinding": f"/apis/rbac.authorization.k8s.io/v1/{SPACE}/rolebindings",
    "Secret": f"/api/v1/{SPACE}/secrets",
    "Service": f"/api/v1/{SPACE}/services",
    "StatefulSet": f"/apis/apps/v1/{SPACE}/statefulsets",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
}


def template(**spec: Any) -> dict[str, Any]:
    """A pod template with one container and the label app=a."""
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}], **spec}}


def workload(**spec: Any) -> dict[str, Any]:
    return {"spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template(), **spec}}


async def create(api: Api, kind: str, body: dict[str, Any]) -> Answer:
    return await api.ask("POST", PATHS[kind], {"metadata": {"name": "a"}, **body})


@in_virtual_time
async def test_workloads_get_the_defaults_of_their_kind() -> None:
    api = fresh()
    stateful = (await create(api, "StatefulSet", workload(serviceName="s"))).body["spec"]
    assert stateful["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    assert stateful["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    daemon = (await create(api, "DaemonSet", workload())).body
    assert daemon["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert daemon["metadata"]["annotations"] == {"deprecated.daemonset.template.generation": "1"}
    inner = {"template": template(restartPolicy="Never")}
    timed = (await create(api, "CronJob", {"spec": {"schedule": "@daily", "jobTemplate": {"spec": inner}}})).body[
        "spec"
    ]
    assert (timed["concurrencyPolicy"], timed["suspend"]) == ("Allow", False)
    assert (timed["successfulJobsHistoryLimit"], timed["failedJobsHistoryLimit"]) == (3, 1)


@in_virtual_time
async def test_a_job_selects_its_pods_by_its_own_uid() -> None:
    api = fresh()
    made = (await create(api, "Job", {"spec": {"template": template(restartPolicy="Never")}})).body
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels["batch.kubernetes.io/job-name"] == labels["job-name"] == "a"
    assert (made["spec"]["completions"], made["spec"]["parallelism"], made["spec"]["manualSelector"]) == (1, 1, False)


@in_virtual_time
async def test_a_service_keeps_its_address_and_node_ports_when_an_update_leaves_them_out() -> None:
    api = fresh()
    spec = {"type": "NodePort", "ports": [{"port": 80}]}
    made = (await create(api, "Service", {"spec": spec})).body
    port = made["spec"]["ports"][0]
    assert (port["targetPort"], port["nodePort"], made["spec"]["externalTrafficPolicy"]) == (80, 30000, "Cluster")
    replaced = await api.ask("PUT", PATHS["Service"] + "/a", {"metadata": {"name": "a"}, "spec": spec})
    assert replaced.body["spec"] == made["spec"]
    assert replaced.body["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


@in_virtual_time
async def test_a_secrets_plain_texts_become_data_and_bad_base64_is_refused() -> None:
    api = fresh()
    made = (await create(api, "Secret", {"stringData": {"a": "b"}, "data": {"a": "Yw==", "d": "ZA=="}})).body
    assert made["data"] == {"a": "Yg==", "d": "ZA=="}
    assert "stringData" not in made
    bad = await create(api, "Secret", {"metadata": {"name": "b"}, "data": {"c": "!"}})
    assert bad.status == 400
    assert bad.message.endswith("cannot be handled as a Secret: illegal base64 data at input byte 0")


@in_virtual_time
async def test_the_smaller_kinds_get_their_defaults_too() -> None:
    api = fresh()
    policy = await create(api, "NetworkPolicy", {"spec": {"podSelector": {}, "egress": [{}]}})
    assert policy.body["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert (await create(api, "PriorityClass", {"value": 3})).body["preemptionPolicy"] == "PreemptLowerPriority"
    storage = (await create(api, "StorageClass", {"provisioner": "example.com/disk"})).body
    assert (storage["reclaimPolicy"], storage["volumeBindingMode"]) == ("Delete", "Immediate")
    limits = {"spec": {"limits": [{"type": "Container", "default": {"cpu": "0.5"}}]}}
    item = (await create(api, "LimitRange", limits)).body["spec"]["limits"][0]
    assert item["defaultRequest"] == {"cpu": "500m"}
    subject = {"kind": "User", "name": "u"}
    binding = {"subjects": [subject], "roleRef": {"kind": "Role", "name": "r"}}
    bound = (await create(api, "RoleBinding", binding)).body
    assert bound["roleRef"]["apiGroup"] == bound["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"


REFUSED_NEW = [
    ("Job", {"spec": {"template": template()}}, 'spec.template.spec.restartPolicy: Required value: valid values: "OnF'),
    (
        "CronJob",
        {"spec": {"schedule": "1 2", "jobTemplate": {"spec": {"template": template(restartPolicy="Never")}}}},
        'spec.schedule: Invalid value: "1 2": expected exactly 5 fields, found 2: [1 2]',
    ),
    ("DaemonSet", workload(selector={}), "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"),
    (
        "Service",
        {"spec": {"ports": [{"port": 0}]}},
        "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535",
    ),
    ("Service", {"spec": {"ports": [{"port": 1}, {"port": 2}]}}, "spec.ports[0].name: Required value"),
    ("Ingress", {"spec": {}}, "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
    (
        "Lease",
        {"spec": {"leaseDurationSeconds": 0}},
        "spec.leaseDurationSeconds: Invalid value: 0: must be",
    ),
    ("ControllerRevision", {"revision": -1}, "data: Required value: data is mandatory"),
    ("PersistentVolumeClaim", {"spec": {}}, "spec.accessModes: Required value: at least 1 access mode is required"),
    (
        "ClusterRoleBinding",
        {"roleRef": {"kind": "Role", "name": "r"}},
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ),
    (
        "RoleBinding",
        {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "x"}]},
        "subjects[0].namespace: Required value",
    ),
]


@pytest.mark.parametrize(("kind", "body", "words"), REFUSED_NEW)
def test_a_new_object_is_refused_in_the_words_of_its_validation(kind: str, body: dict[str, Any], words: str) -> None:
    async def main() -> None:
        answer = await create(fresh(), kind, body)
        assert answer.status == 422
        assert words in answer.message

    run_virtual(main())


CLAIM = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
REFUSED_CHANGES = [
    ("Secret", {}, {"type": "other"}, 'type: Invalid value: "other": field is immutable'),
    (
        "Secret",
        {"immutable": True},
        {"data": {"a": "YQ=="}},
        "data: Forbidden: field is immutable when",
    ),
    ("PriorityClass", {"value": 1}, {"value": 2}, "value: Forbidden: may not be changed in an update."),
    (
        "StorageClass",
        {"provisioner": "a.b/c"},
        {"provisioner": "d.e/f"},
        "provisioner: Forbidden: updates to provisioner are forbidden.",
    ),
    ("PersistentVolumeClaim", CLAIM, {"spec": {"volumeMode": "Block"}}, "spec: Forbidden: spec is immutable after"),
    (
        "StatefulSet",
        workload(serviceName="s"),
        {"spec": {"serviceName": "t"}},
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas'",
    ),
    (
        "Service",
        {"spec": {"ports": [{"port": 80}]}},
        {"spec": {"clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9"]}},
        'spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set',
    ),
]


@pytest.mark.parametrize(("kind", "body", "patch", "words"), REFUSED_CHANGES)
def test_what_cannot_change_is_refused_in_the_words_of_its_validation(
    kind: str, body: dict[str, Any], patch: dict[str, Any], words: str
) -> None:
    async def main() -> None:
        api = fresh()
        assert (await create(api, kind, body)).status == 201
        answer = await api.ask("PATCH", PATHS[kind] + "/a", patch, content_type=MERGE)
        assert answer.status == 422
        assert words in answer.message

    run_virtual(main())
