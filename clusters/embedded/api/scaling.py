"""The scale subresource: an autoscaling/v1 Scale over a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from clusters.embedded.api import field_causes, managed
from clusters.embedded.api.decoding import decode, media_type, settle
from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.go_json import parse
from clusters.embedded.api.json_patching import patched as json_patched
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.lifecycle import bump_generation
from clusters.embedded.api.merge_patch import merged
from clusters.embedded.api.status import MODIFIED, Object, bad_request, conflict, invalid, method_not_allowed
from clusters.embedded.api.target import Target
from clusters.embedded.api.values import at, copied
from clusters.embedded.api.write_options import WriteOptions
from conformance.kube.resources import Resource

if TYPE_CHECKING:
    from clusters.embedded.api.server import Server

SCALE: Final = Kind(Resource("autoscaling", "v1", "scales", "Scale"), "scale")
COPIED: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(kind: Kind, value: Object) -> Object:
    """The Scale view of an object."""
    assert kind.scale is not None
    metadata = {name: value["metadata"][name] for name in COPIED if name in value["metadata"]}
    wanted = at(value, kind.scale.spec_replicas)
    status: dict[str, Any] = {"replicas": at(value, kind.scale.status_replicas) or 0}
    selector = selector_text(at(value, kind.scale.selector)) if kind.scale.selector else ""
    if selector:
        status["selector"] = selector
    spec = {"replicas": wanted} if wanted else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


def selector_text(selector: Any) -> str:
    if isinstance(selector, str):
        return selector
    labels = (selector or {}).get("matchLabels") or {}
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels))


def answer(server: Server, call: Call, kind: Kind, target: Target) -> Reply:
    """GET, PUT or PATCH of a scale."""
    old = server.writer.held(kind, target)
    if call.method in ("GET", "HEAD"):
        return Reply(value=scale_of(kind, old))
    if call.method == "PUT":
        options = WriteOptions.of(call, "UpdateOptions")
        wanted = decode(call, SCALE, options.field_validation)
        given = wanted["metadata"].get("name") or ""
        if given != target.name:
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({target.name})")
    elif call.method == "PATCH":
        options = WriteOptions.of(call, "PatchOptions")
        wanted = _patched(call, kind, old, options)
    else:
        raise method_not_allowed()
    version = wanted["metadata"].get("resourceVersion")
    if version and version != old["metadata"]["resourceVersion"]:
        raise conflict(kind.resource.plural, kind.resource.group, target.name, MODIFIED)
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    _check_replicas(kind, target.name, replicas)
    stored = _stored(server, kind, old, replicas, options)
    return Reply(value=scale_of(kind, stored))


def _check_replicas(kind: Kind, name: str, replicas: Any) -> None:
    """Raises ApiError Invalid for less than none, in the words of a Scale or of the custom kind behind it."""
    if not isinstance(replicas, int) or replicas >= 0:
        return
    assert kind.scale is not None
    if kind.custom:
        field = "." + ".".join(kind.scale.spec_replicas)
        cause = field_causes.invalid(field, str(replicas), "should be a non-negative integer")
        raise invalid(kind.resource.kind, kind.resource.group, name, [cause])
    cause = field_causes.invalid("spec.replicas", str(replicas), field_causes.NOT_NEGATIVE)
    raise invalid("Scale", "autoscaling", name, [cause])


def _patched(call: Call, kind: Kind, old: Object, options: WriteOptions) -> Object:
    patch, _ = parse(call.body)
    scale = scale_of(kind, old)
    if media_type(call) == "application/json-patch+json":
        value = json_patched(scale, patch)
    else:
        value = merged(scale, patch)
    if not isinstance(value, dict):
        raise bad_request("the patched scale is not an object")
    return settle(call, SCALE, value, options.field_validation)


def _stored(server: Server, kind: Kind, old: Object, replicas: int, options: WriteOptions) -> Object:
    assert kind.scale is not None
    value = copied(old)
    inner: dict[str, Any] = value
    for name in kind.scale.spec_replicas[:-1]:
        inner = inner.setdefault(name, {})
    inner[kind.scale.spec_replicas[-1]] = replicas
    bump_generation(kind, old, value)
    managed.track(kind, old, value, options.manager, server.store.now(), subresource="scale")
    if options.dry_run:
        return value
    return server.store.replace(kind, old, value)
