"""What a fresh API server holds: its own namespaces, and the roles every cluster has."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api import definitions, namespaces
from clusters.embedded.api.status import Object
from clusters.embedded.api.store import Store
from conformance.kube.resources import NAMESPACES, Resource

CLUSTER_ROLES: Final = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS: Final = Resource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
SYSTEM_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")
_HEALTH: Final = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_EVERYTHING: Final = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_WRITE: Final = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_READ: Final = ["get", "list", "watch"]
_WORK: Final = ["", "apps", "autoscaling", "batch", "serving.knative.dev", "serving.kserve.io"]

ROLES: Final[dict[str, list[dict[str, Any]]]] = {
    "cluster-admin": [dict(_EVERYTHING), {"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "admin": [
        {"verbs": _WRITE, "apiGroups": [*_WORK, "rbac.authorization.k8s.io"], "resources": ["*"]},
    ],
    "edit": [{"verbs": _WRITE, "apiGroups": _WORK, "resources": ["*"]}],
    "view": [{"verbs": _READ, "apiGroups": _WORK, "resources": ["*"]}],
    "system:basic-user": [
        {
            "verbs": ["create"],
            "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        },
        {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
    ],
    "system:public-info-viewer": [
        {"verbs": ["get"], "nonResourceURLs": _HEALTH},
        {"verbs": ["get"], "nonResourceURLs": ["/.well-known", "/.well-known/*"]},
    ],
    "system:discovery": [
        {
            "verbs": ["get"],
            "nonResourceURLs": [
                "/api",
                "/api/*",
                "/apis",
                "/apis/*",
                "/healthz",
                "/livez",
                "/openapi",
                "/openapi/*",
                "/readyz",
                "/version",
                "/version/",
            ],
        }
    ],
    "system:service-account-issuer-discovery": [
        {
            "verbs": ["get"],
            "nonResourceURLs": [
                "/.well-known/openid-configuration",
                "/.well-known/openid-configuration/",
                "/openid/v1/jwks",
                "/openid/v1/jwks/",
            ],
        }
    ],
}

BINDINGS: Final[dict[str, tuple[str, ...]]] = {
    "cluster-admin": ("system:masters",),
    "system:basic-user": ("system:authenticated",),
    "system:discovery": ("system:authenticated",),
    "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
    "system:service-account-issuer-discovery": ("system:serviceaccounts",),
}


def _role(name: str) -> Object:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    return {"metadata": {"name": name, "labels": labels}, "rules": ROLES[name]}


def _binding(name: str) -> Object:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": one} for one in BINDINGS[name]]
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    return {"metadata": {"name": name, "labels": labels}, "roleRef": reference, "subjects": subjects}


def install(store: Store) -> None:
    """Fill a fresh store: roles, system namespaces, and KServe's and Knative's definitions."""
    for name in ROLES:
        store.create(CLUSTER_ROLES, _role(name))
    for name in BINDINGS:
        store.create(CLUSTER_ROLE_BINDINGS, _binding(name))
    for name in SYSTEM_NAMESPACES:
        namespace: Object = {"metadata": {"name": name}}
        namespaces.complete(namespace)
        store.create(NAMESPACES, namespace)
    definitions.install(store)
