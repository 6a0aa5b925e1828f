"""The empty object of a built-in kind as its Go type serializes: members that are there even when nothing is set.

It is what a new object is compared with for field ownership, and what a bookmark carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Object
from clusters.embedded.api.values import copied

_TEMPLATE: Final[Object] = {"metadata": {}, "spec": {"containers": None}}

ZERO: Final[Mapping[Storage, Object]] = {
    ("", "pods"): {"spec": {"containers": None}, "status": {}},
    ("", "namespaces"): {"spec": {}, "status": {}},
    ("", "nodes"): {
        "spec": {},
        "status": {
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
            "nodeInfo": {
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
                "kernelVersion": "",
                "osImage": "",
                "containerRuntimeVersion": "",
                "kubeletVersion": "",
                "kubeProxyVersion": "",
                "operatingSystem": "",
                "architecture": "",
            },
        },
    },
    ("", "services"): {"spec": {}, "status": {"loadBalancer": {}}},
    ("", "events"): {
        "involvedObject": {},
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    ("", "endpoints"): {},
    ("", "resourcequotas"): {"spec": {}, "status": {}},
    ("", "limitranges"): {"spec": {"limits": None}},
    ("", "persistentvolumeclaims"): {"spec": {"resources": {}}, "status": {}},
    ("", "persistentvolumes"): {"spec": {}, "status": {}},
    ("apps", "deployments"): {"spec": {"selector": None, "template": _TEMPLATE, "strategy": {}}, "status": {}},
    ("apps", "replicasets"): {"spec": {"selector": None, "template": _TEMPLATE}, "status": {"replicas": 0}},
    ("apps", "statefulsets"): {
        "spec": {"selector": None, "template": _TEMPLATE, "serviceName": "", "updateStrategy": {}},
        "status": {"replicas": 0, "availableReplicas": 0},
    },
    ("apps", "daemonsets"): {
        "spec": {"selector": None, "template": _TEMPLATE, "updateStrategy": {}},
        "status": {
            "currentNumberScheduled": 0,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 0,
            "numberReady": 0,
        },
    },
    ("autoscaling", "horizontalpodautoscalers"): {
        "spec": {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0},
        "status": {"desiredReplicas": 0, "currentMetrics": None},
    },
    ("batch", "jobs"): {"spec": {"template": _TEMPLATE}, "status": {}},
    ("batch", "cronjobs"): {
        "spec": {"schedule": "", "jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}},
        "status": {},
    },
    ("coordination.k8s.io", "leases"): {"spec": {}},
    ("discovery.k8s.io", "endpointslices"): {"addressType": "", "endpoints": None, "ports": None},
    ("rbac.authorization.k8s.io", "roles"): {"rules": None},
    ("rbac.authorization.k8s.io", "clusterroles"): {"rules": None},
    ("rbac.authorization.k8s.io", "rolebindings"): {"roleRef": {"apiGroup": "", "kind": "", "name": ""}},
    ("rbac.authorization.k8s.io", "clusterrolebindings"): {"roleRef": {"apiGroup": "", "kind": "", "name": ""}},
    ("policy", "poddisruptionbudgets"): {
        "spec": {},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    },
    ("apiextensions.k8s.io", "customresourcedefinitions"): {
        "spec": {"group": "", "names": {"plural": "", "kind": ""}, "scope": "", "versions": None},
        "status": {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None},
    },
    ("authorization.k8s.io", "selfsubjectaccessreviews"): {"spec": {}, "status": {"allowed": False}},
    ("authorization.k8s.io", "subjectaccessreviews"): {"spec": {}, "status": {"allowed": False}},
    ("authorization.k8s.io", "localsubjectaccessreviews"): {"spec": {}, "status": {"allowed": False}},
    ("authentication.k8s.io", "tokenreviews"): {"spec": {}, "status": {"user": {}}},
}  # fmt: skip


def zero_value(kind: Kind) -> dict[str, Any]:
    """A fresh empty object of a kind, without metadata; custom kinds have nothing in it."""
    return {} if kind.custom else copied(ZERO.get(kind.storage, {}))
