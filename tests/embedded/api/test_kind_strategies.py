"""Defaults and refusals of built-in kinds."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.base.clock import run_virtual
from tests.embedded.api.server import Answer, Api, fresh, in_virtual_time

SPACE = "namespaces/default"
MERGE = "application/merge-patch+json"
PATHS = {
    "CronJob": f"/apis/batch/v1/{SPACE}/cronjobs",
    "DaemonSet": f"/apis/apps/v1/{SPACE}/daemonsets",
    "HorizontalPodAutoscaler": f"/apis/autoscaling/v2/{SPACE}/horizontalpodautoscalers",
    "Job": f"/apis/batch/v1/{SPACE}/jobs",
    "Pod": f"/api/v1/{SPACE}/pods",
    "RoleBinding": f"/apis/rbac.authorization.k8s.io/v1/{SPACE}/rolebindings",
    "Secret": f"/api/v1/{SPACE}/secrets",
    "Service": f"/api/v1/{SPACE}/services",
    "StatefulSet": f"/apis/apps/v1/{SPACE}/statefulsets",
}


def template(**spec: Any) -> dict[str, Any]:
    """A pod template with one container and the label app=a."""
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}], **spec}}


def workload(**spec: Any) -> dict[str, Any]:
    return {"spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template(), **spec}}


def pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "image": "i:1", **container}]}}


async def create(api: Api, kind: str, body: dict[str, Any]) -> Answer:
    return await api.ask("POST", PATHS[kind], {"metadata": {"name": "a"}, **body})


@in_virtual_time
async def test_workloads_get_the_defaults_of_their_kind() -> None:
    api = fresh()
    stateful = (await create(api, "StatefulSet", workload(serviceName="s"))).body["spec"]
    assert stateful["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    daemon = (await create(api, "DaemonSet", workload())).body
    assert daemon["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert daemon["status"]["numberReady"] == 0
    inner = {"spec": {"template": template(restartPolicy="Never")}}
    timed = (await create(api, "CronJob", {"spec": {"schedule": "@daily", "jobTemplate": inner}})).body["spec"]
    assert (timed["concurrencyPolicy"], timed["suspend"]) == ("Allow", False)


@in_virtual_time
async def test_a_pod_is_completed_as_admission_completes_it() -> None:
    made = (await create(fresh(), "Pod", pod(resources={"limits": {"cpu": "0.5", "memory": "1024Mi"}}))).body
    container = made["spec"]["containers"][0]
    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert [one["key"] for one in made["spec"]["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    assert made["status"] == {"phase": "Pending", "qosClass": "Guaranteed"}


@in_virtual_time
async def test_a_job_selects_its_pods_by_its_own_uid() -> None:
    made = (await create(fresh(), "Job", {"spec": {"template": template(restartPolicy="Never")}})).body
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels["batch.kubernetes.io/job-name"] == labels["job-name"] == "a"
    assert (made["spec"]["completions"], made["spec"]["parallelism"]) == (1, 1)


@in_virtual_time
async def test_a_service_keeps_its_address_when_an_update_leaves_it_out() -> None:
    api = fresh()
    spec = {"type": "NodePort", "ports": [{"port": 80}]}
    made = (await create(api, "Service", {"spec": spec})).body
    assert (made["spec"]["ports"][0]["targetPort"], made["spec"]["externalTrafficPolicy"]) == (80, "Cluster")
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
    assert bad.message.endswith('data.c in body must be of type byte: "string"')


@in_virtual_time
async def test_a_binding_names_the_group_of_its_role_and_of_its_users() -> None:
    binding = {"subjects": [{"kind": "User", "name": "u"}], "roleRef": {"kind": "Role", "name": "r"}}
    bound = (await create(fresh(), "RoleBinding", binding)).body
    assert bound["roleRef"]["apiGroup"] == bound["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"


TARGET = {"scaleTargetRef": {"kind": "Deployment", "name": "d"}}
REFUSED_NEW: list[tuple[str, dict[str, Any], str]] = [
    ("Job", {"spec": {"template": template()}}, 'spec.template.spec.restartPolicy: Required value: valid values: "OnF'),
    ("CronJob", {"spec": {}}, "spec.schedule: Required value"),
    ("DaemonSet", workload(selector={}), "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"),
    (
        "DaemonSet",
        workload(selector={"matchLabels": {"app": "b"}}),
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ),
    (
        "StatefulSet",
        workload(replicas=-1),
        "spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0",
    ),
    ("Pod", {"spec": {"containers": []}}, "spec.containers: Invalid value: 0: should have at least 1 items"),
    ("Pod", pod(image=None), "spec.containers[0].image: Required value"),
    ("Pod", pod(name="C"), 'spec.containers[0].name: Invalid value: "C": spec.containers[0].name in body should match'),
    ("Pod", pod(resources={"requests": {"nvidia.com/gpu": 1}}), "spec.containers[0].resources.limits: Required value"),
    (
        "Pod",
        pod(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),
        "must be less than or equal to cpu limit of 1",
    ),
    (
        "Service",
        {"spec": {"ports": [{"port": 0}]}},
        "spec.ports[0].port: Invalid value: 0: spec.ports[0].port in body should be greater than or equal to 1",
    ),
    ("Service", {"spec": {"ports": [{"port": 1}, {"port": 2}]}}, "spec.ports[0].name: Required value"),
    (
        "HorizontalPodAutoscaler",
        {"spec": {**TARGET, "minReplicas": 3, "maxReplicas": 2}},
        "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
    ),
]


@pytest.mark.parametrize(("kind", "body", "words"), REFUSED_NEW)
def test_a_new_object_is_refused_in_the_words_of_its_validation(kind: str, body: dict[str, Any], words: str) -> None:
    async def main() -> None:
        answer = await create(fresh(), kind, body)
        assert answer.status == 422
        assert words in answer.message

    run_virtual(main())


REFUSED_CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("Pod", pod(), {"spec": {"hostname": "h"}}, "spec: Forbidden: pod updates may not change fields other than"),
    (
        "StatefulSet",
        workload(serviceName="s"),
        {"spec": {"selector": {"matchLabels": {"app": "b"}}}},
        'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable',
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
