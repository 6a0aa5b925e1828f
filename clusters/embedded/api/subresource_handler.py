"""Subresources: status, scale, tokens, evictions, logs, and those that would reach into running pods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from clusters.embedded.api import container_logs, field_manager
from clusters.embedded.api.admission_chain import LogSource
from clusters.embedded.api.api_errors import Object, bad_request, conflict, method_not_allowed, unknown_resource
from clusters.embedded.api.api_errors import invalid as invalid_object
from clusters.embedded.api.body_decoding import decode, settle
from clusters.embedded.api.field_errors import NOT_NEGATIVE, invalid
from clusters.embedded.api.json_values import at, copied
from clusters.embedded.api.kinds import POD_STORAGE, ApiResource, Kind
from clusters.embedded.api.lifecycle import bump_generation
from clusters.embedded.api.patch_handler import Patcher, patched
from clusters.embedded.api.query_options import WriteOptions
from clusters.embedded.api.rbac import AccessReviews
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.write_handler import Deleter, Writer

SCALE: Final = Kind(ApiResource("autoscaling", "v1", "scales", "Scale"), "scale")
COPIED: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
NOTHING_RUNS: Final = {
    "exec": "this pod is emulated: there is no process in it to run a command; read its output with kubectl logs",
    "attach": "this pod is emulated: there is no process in it to attach to; read its output with kubectl logs",
    "portforward": "this pod is emulated: it has no ports of its own; send requests to the platform's ingress",
}
"""By subresource, what a client is told that wants to reach into a pod."""

Get = Callable[[Request, Kind, RequestInfo], Response]


class Subresources:
    """Answers requests below an object."""

    def __init__(
        self,
        writer: Writer,
        patcher: Patcher,
        deleter: Deleter,
        reviews: AccessReviews,
        get: Get,
        logs: Callable[[], LogSource | None],
    ) -> None:
        """`get` answers a GET of an object; `logs` is where pods' logs come from by then."""
        self._writer = writer
        self._patcher = patcher
        self._deleter = deleter
        self._reviews = reviews
        self._get = get
        self._logs = logs

    async def answer(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """Any request below an object. Raises ApiError."""
        name = info.subresource
        if not any(sub.name == name for sub in kind.subresources):
            raise unknown_resource()
        if name == "status":
            return self._status(request, kind, info)
        held = self._writer.held(kind, info)
        if name == "scale":
            return self._scale(request, kind, held)
        if name == "log" and kind.storage == POD_STORAGE:
            return await container_logs.read(self._writer.store, self._logs(), request, held)
        if name in NOTHING_RUNS:
            container_logs.container_of(held, request.one("container"), optional=name == "portforward")
            raise bad_request(NOTHING_RUNS[name])
        if request.method != "POST":
            raise method_not_allowed()
        if name == "token":
            return self._reviews.token(request, held)
        self._deleter.delete(replace(request, body=b"", method="DELETE"), kind, replace(info, subresource=""))
        done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return Response(201, value=done)

    def _status(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        handlers = {"GET": self._get, "HEAD": self._get, "PUT": self._writer.update, "PATCH": self._patcher.patch}
        if request.method not in handlers:
            raise method_not_allowed()
        return handlers[request.method](request, kind, info)

    def _scale(self, request: Request, kind: Kind, old: Object) -> Response:
        """GET, PUT or PATCH of an autoscaling/v1 Scale over a workload."""
        resource, name = kind.resource, old["metadata"]["name"]
        if request.method in ("GET", "HEAD"):
            return Response(value=scale_of(kind, old))
        if request.method == "PUT":
            options = WriteOptions.of(request, "UpdateOptions")
            wanted = decode(request, SCALE, options.field_validation)
        elif request.method == "PATCH":
            options = WriteOptions.of(request, "PatchOptions")
            value = patched(request, SCALE, scale_of(kind, old))
            if not isinstance(value, dict):
                raise bad_request("the patched scale is not an object")
            wanted = settle(request, SCALE, value, options.field_validation)
        else:
            raise method_not_allowed()
        given, version = wanted["metadata"].get("name") or "", wanted["metadata"].get("resourceVersion")
        if given != name:
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, name)
        spec = wanted.get("spec") or {}
        replicas = spec.get("replicas", 0) if isinstance(spec, dict) else None
        if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 0:
            raise invalid_object("Scale", "autoscaling", name, [invalid("spec.replicas", replicas, NOT_NEGATIVE)])
        return Response(value=scale_of(kind, self._scaled(kind, old, replicas, options)))

    def _scaled(self, kind: Kind, old: Object, replicas: int, options: WriteOptions) -> Object:
        assert kind.scale is not None
        store, value = self._writer.store, copied(old)
        inner: dict[str, Any] = value
        for name in kind.scale.spec_replicas[:-1]:
            inner = inner.setdefault(name, {})
        inner[kind.scale.spec_replicas[-1]] = replicas
        bump_generation(kind, old, value)
        field_manager.track(kind, old, value, options.manager, store.now(), subresource="scale")
        return value if options.dry_run else store.replace(kind, old, value)


def scale_of(kind: Kind, value: Object) -> Object:
    """The Scale view of an object."""
    paths = kind.scale
    assert paths is not None
    metadata = {name: value["metadata"][name] for name in COPIED if name in value["metadata"]}
    wanted, selector = at(value, paths.spec_replicas), at(value, paths.selector) if paths.selector else None
    status: dict[str, Any] = {"replicas": at(value, paths.status_replicas) or 0}
    if isinstance(selector, dict):
        labels = selector.get("matchLabels") or {}
        selector = ",".join(f"{name}={labels[name]}" for name in sorted(labels))
    if selector:
        status["selector"] = selector
    spec = {"replicas": wanted} if wanted else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}
