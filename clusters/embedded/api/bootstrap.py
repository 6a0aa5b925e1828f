"""What a fresh API server holds: its own namespaces, and the roles every cluster has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from clusters.embedded.api import custom_resources, defaulting
from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.kinds import NAMESPACES, ApiResource
from clusters.embedded.api.store import Store

CLUSTER_ROLES: Final = ApiResource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS: Final = ApiResource(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
SYSTEM_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")
_HEALTH: Final = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_EVERYTHING: Final = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_RBAC: Final = "rbac.authorization.k8s.io"
_WRITE: Final = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_READ: Final = ["get", "list", "watch"]
_GROUPS: Final = ("", "apps", "autoscaling", "batch")


def _roles(groups: Sequence[str]) -> dict[str, list[Any]]:
    """The rules of each role; `groups` are those whose objects people work with."""
    everything = {"apiGroups": list(groups), "resources": ["*"]}
    reviews = {"apiGroups": ["authorization.k8s.io", "authentication.k8s.io"], "resources": ["*"]}
    paths = ["/api", "/api/*", "/apis", "/apis/*", *_HEALTH, "/openapi", "/openapi/*"]
    return {
        "cluster-admin": [dict(_EVERYTHING), {"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "admin": [{"verbs": _WRITE, "apiGroups": [*groups, _RBAC], "resources": ["*"]}],
        "edit": [{"verbs": _WRITE, **everything}],
        "view": [{"verbs": _READ, **everything}],
        "system:basic-user": [{"verbs": ["create"], **reviews}],
        "system:discovery": [{"verbs": ["get"], "nonResourceURLs": paths}],
        "system:public-info-viewer": [{"verbs": ["get"], "nonResourceURLs": _HEALTH}],
    }


BINDINGS: Final[dict[str, tuple[str, ...]]] = {
    "cluster-admin": ("system:masters",),
    "system:basic-user": ("system:authenticated",),
    "system:discovery": ("system:authenticated",),
    "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
}


def _labelled(name: str) -> Object:
    return {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}


def _binding(name: str) -> Object:
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name}
    subjects = [{"apiGroup": _RBAC, "kind": "Group", "name": one} for one in BINDINGS[name]]
    return {"metadata": _labelled(name), "roleRef": reference, "subjects": subjects}


def install(store: Store, definitions: Iterable[Object] = ()) -> None:
    """Fill a fresh store: roles, system namespaces, and CustomResourceDefinitions (metadata and spec of each)."""
    definitions = list(definitions)
    groups = dict.fromkeys(definition["spec"]["group"] for definition in definitions)
    for name, rules in _roles((*_GROUPS, *groups)).items():
        store.create(CLUSTER_ROLES, {"metadata": _labelled(name), "rules": rules})
    for name in BINDINGS:
        store.create(CLUSTER_ROLE_BINDINGS, _binding(name))
    kind = store.kinds.of(NAMESPACES)
    for name in SYSTEM_NAMESPACES:
        namespace: Object = {"metadata": {"name": name}}
        defaulting.set_defaults(kind, namespace)
        defaulting.admit_new(kind, namespace)
        store.create(NAMESPACES, namespace)
    custom_resources.install(store, definitions)
