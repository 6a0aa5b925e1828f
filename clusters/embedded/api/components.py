"""ComponentStatus: an old kind that is made up for each answer."""

from __future__ import annotations

from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.status import Object, method_not_allowed, not_found
from clusters.embedded.api.target import Target

NAMES = ("etcd-0", "controller-manager", "scheduler")


def _component(name: str) -> Object:
    return {"metadata": {"name": name}, "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}]}


def component_statuses(call: Call, target: Target) -> Reply:
    """GET of all or of one."""
    if call.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    if not target.name:
        head = {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}}
        return Reply(value={**head, "items": [_component(name) for name in NAMES]})
    if target.name not in NAMES:
        raise not_found("componentstatuses", "", target.name)
    return Reply(value={"kind": "ComponentStatus", "apiVersion": "v1", **_component(target.name)})
