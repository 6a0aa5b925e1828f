"""What the suite must be allowed to do, as data: `clusters/existing/role.yaml` grants it, preflight asks for it, and
nothing else is used.

Everything the scenarios make lives in namespaces of their own, so cluster-wide rights are limited to making and
deleting those, and to what then happens inside them. Configuration is read in two namespaces of the platform by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

WATCH: Final = ("get", "list", "watch")
APPLY: Final = ("create", "get", "patch")
"""Server-side apply that may create asks for both create and patch."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Verbs on one resource."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str
    namespace: str | None = None
    """A platform namespace; None is cluster-wide, which covers the namespaces the suite makes."""
    names: tuple[str, ...] = ()
    required: bool = True
    """Whether no verdict is possible without; the rest can be declared or is missed in places."""


PERMISSIONS: Final = (
    Permission("", "namespaces", ("create", "delete", "get", "list"), "one namespace per scenario, swept afterwards"),
    Permission(
        "serving.kserve.io",
        "inferenceservices",
        ("create", "delete", "get", "patch", "list", "watch"),
        "the documented manifests",
    ),
    Permission("serving.kserve.io", "servingruntimes", APPLY, "the witness in place of the model"),
    Permission("", "pods", WATCH, "pod counts"),
    Permission("", "pods", ("delete",), "a pod too young to be measured, in Standard mode", required=False),
    Permission("", "pods/log", ("get",), "what pods say, the witness's own count in it", required=False),
    Permission("apps", "deployments", WATCH, "wanted replicas; KServe's version"),
    Permission("", "events", WATCH, "reasons in the report", required=False),
    Permission("serving.knative.dev", "services", WATCH, "what KServe asks of Knative", required=False),
    Permission("serving.knative.dev", "revisions", WATCH, "rollouts", required=False),
    Permission("autoscaling.internal.knative.dev", "podautoscalers", WATCH, "wanted scale", required=False),
    Permission("networking.internal.knative.dev", "serverlessservices", WATCH, "activator in the path", required=False),
    Permission("autoscaling", "horizontalpodautoscalers", WATCH, "profile standard-hpa", required=False),
    Permission("", "nodes", ("get", "list"), "capacity and accelerators", required=False),
    Permission("metrics.k8s.io", "pods", ("list",), "what pods use, in Standard mode", required=False),
    Permission("metrics.k8s.io", "nodes", ("list",), "whether the cluster was starved", required=False),
    Permission(
        "",
        "services",
        ("get",),
        "finding the ingress",
        names=("kourier", "istio-ingressgateway", "envoy"),
        required=False,
    ),
    Permission(
        "",
        "configmaps",
        ("get",),
        "judging by what is installed",
        namespace="knative-serving",
        names=("config-autoscaler", "config-defaults", "config-domain", "config-network"),
        required=False,
    ),
    Permission(
        "",
        "configmaps",
        ("get",),
        "deployment mode and ingress",
        namespace="kserve",
        names=("inferenceservice-config",),
        required=False,
    ),
)


def role_objects(account: str = "conformance", account_namespace: str = "default") -> tuple[dict[str, Any], ...]:
    """ServiceAccount, roles and bindings that grant `PERMISSIONS` and no more."""
    name = "serving-conformance"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": account_namespace}
    objects: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": account_namespace},
        }
    ]
    spaces = dict.fromkeys(entry.namespace for entry in PERMISSIONS)
    for space in spaces:
        kind = "Role" if space else "ClusterRole"
        metadata = {"name": name, **({"namespace": space} if space else {})}
        rules = [_rule(entry) for entry in PERMISSIONS if entry.namespace == space]
        api = "rbac.authorization.k8s.io"
        objects.append({"apiVersion": f"{api}/v1", "kind": kind, "metadata": metadata, "rules": rules})
        objects.append(
            {
                "apiVersion": f"{api}/v1",
                "kind": f"{kind}Binding",
                "metadata": metadata,
                "roleRef": {"apiGroup": api, "kind": kind, "name": name},
                "subjects": [subject],
            }
        )
    return tuple(objects)


def _rule(entry: Permission) -> dict[str, Any]:
    names = {"resourceNames": list(entry.names)} if entry.names else {}
    return {"apiGroups": [entry.group], "resources": [entry.resource], "verbs": list(entry.verbs), **names}


def reviews(permissions: Iterable[Permission] = PERMISSIONS) -> tuple[tuple[Permission, dict[str, Any]], ...]:
    """One SelfSubjectAccessReview per verb and name."""
    found = []
    for entry in permissions:
        for verb in entry.verbs:
            for name in entry.names or ("",):
                resource, _, subresource = entry.resource.partition("/")
                attributes = {"verb": verb, "group": entry.group, "resource": resource}
                if subresource:
                    attributes["subresource"] = subresource
                if entry.namespace:
                    attributes["namespace"] = entry.namespace
                if name:
                    attributes["name"] = name
                found.append((entry, attributes))
    return tuple(found)
