"""What admission does for a pod's service account: it must exist, and its token is mounted."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.hooks import Review
from clusters.embedded.api.kinds import Storage
from clusters.embedded.api.status import Object, forbidden
from clusters.embedded.api.store import Store

ACCOUNTS: Final[Storage] = ("", "serviceaccounts")
TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS: Final = 3607


def admit(store: Store, review: Review) -> None:
    """Complete a new pod in place. Raises ApiError Forbidden when a named account is missing."""
    pod = review.object
    if review.operation != "CREATE" or review.kind.storage != ("", "pods") or pod is None:
        return
    spec = pod["spec"]
    name = spec.get("serviceAccountName", "default")
    account = store.objects(ACCOUNTS).get((review.namespace, name))
    if account is None and name != "default":
        text = f'error looking up service account {review.namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden("pods", "", review.name, text)
    if spec.get("automountServiceAccountToken") is False:
        return
    if any(
        mount.get("mountPath") == TOKEN_PATH
        for one in spec.get("containers") or ()
        for mount in one.get("volumeMounts") or ()
    ):
        return
    volume = f"kube-api-access-{store.new_suffix()}"
    spec.setdefault("volumes", []).append(_volume(volume))
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        mount = {"name": volume, "readOnly": True, "mountPath": TOKEN_PATH}
        container.setdefault("volumeMounts", []).append(mount)


def _volume(name: str) -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}
