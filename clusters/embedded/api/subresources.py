"""Subresources: status, scale, logs, tokens, and those that reach into running pods."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clusters.embedded.api import scaling
from clusters.embedded.api.decoding import decode
from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.pod_subresources import PodSubresources
from clusters.embedded.api.status import bad_request, conflict, method_not_allowed, not_found, unknown_resource
from clusters.embedded.api.target import Target
from clusters.embedded.api.write_options import WriteOptions
from conformance.kube.resources import Resource

if TYPE_CHECKING:
    from clusters.embedded.api.server import Server

TOKEN_REQUESTS = Resource("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest")


class Subresources:
    """Answers requests below an object."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._pods = PodSubresources(server.store, server.hooks)

    async def answer(self, call: Call, kind: Kind, target: Target) -> Reply:
        """Any request below an object. Raises ApiError."""
        known = {sub.name: sub for sub in kind.subresources}
        name = target.subresource
        if name not in known:
            if kind.custom:
                raise not_found(kind.resource.plural, kind.resource.group, target.name)
            raise unknown_resource()
        if name == "status":
            return self._like_the_object(call, kind, target)
        if name == "scale":
            return scaling.answer(self._server, call, kind, target)
        if name == "token":
            return self._token(call, kind, target)
        if name == "finalize":
            return self._finalize(call, kind, target)
        if kind.storage == ("", "pods"):
            if name in ("ephemeralcontainers", "resize"):
                return self._like_the_object(call, kind, replace(target, subresource=""))
            held = self._server.writer.held(kind, target)
            if name == "binding":
                return self._bind(call, kind, target, held)
            if name == "eviction":
                self._server.deleter.delete(replace_body(call), kind, replace(target, subresource=""))
                return _done()
            return await self._pods.answer(call, target, held)
        held = self._server.writer.held(kind, target)
        if name == "proxy" and kind.storage == ("", "nodes") and target.rest == "healthz":
            return Reply(
                raw=b"ok",
                content_type="text/plain; charset=utf-8",
                headers={"x-content-type-options": "nosniff"},
            )
        raise bad_request(f"the embedded platform has no proxy to {kind.resource.plural}")

    def _like_the_object(self, call: Call, kind: Kind, target: Target) -> Reply:
        server = self._server
        if call.method in ("GET", "HEAD"):
            return server.get(call, kind, target)
        if call.method == "PUT":
            return server.writer.update(call, kind, target)
        if call.method == "PATCH":
            return server.patcher.patch(call, kind, target)
        raise server.refused_method(call, kind)

    def _token(self, call: Call, kind: Kind, target: Target) -> Reply:
        if call.method != "POST":
            raise method_not_allowed()
        options = WriteOptions.of(call, "CreateOptions")
        asked = Kind(TOKEN_REQUESTS, "tokenrequest")
        value = decode(call, asked, options.field_validation)
        held = self._server.writer.held(kind, target)
        return Reply(201, value=self._server.reviews.issue(call, held, value, options))

    def _finalize(self, call: Call, kind: Kind, target: Target) -> Reply:
        if call.method != "PUT":
            raise method_not_allowed()
        options = WriteOptions.of(call, "UpdateOptions")
        value = decode(call, kind, options.field_validation)
        store = self._server.store
        old = self._server.writer.held(kind, target)
        new = {**old, "metadata": dict(old["metadata"]), "spec": value.get("spec") or {}}
        return Reply(200, value=store.replace(kind, old, new))

    def _bind(self, call: Call, kind: Kind, target: Target, held: dict[str, Any]) -> Reply:
        if call.method != "POST":
            raise method_not_allowed()
        bindings = Kind(Resource("", "v1", "bindings", "Binding"), "binding")
        value = decode(call, bindings, "Ignore")
        bound = (held.get("spec") or {}).get("nodeName")
        if bound:
            text = f'pod {target.name} is already assigned to node "{bound}"'
            raise conflict("pods/binding", "", target.name, text)
        node = ((value.get("target") or {}).get("name")) or ""
        new = {**held, "metadata": dict(held["metadata"]), "spec": {**held.get("spec", {}), "nodeName": node}}
        self._server.store.replace(kind, held, new)
        return _done()


def replace_body(call: Call) -> Call:
    """An eviction's options are those of a deletion."""
    return replace(call, body=b"", method="DELETE")


def _done() -> Reply:
    return Reply(201, value={"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
