"""Subresources: status, scale, logs, tokens and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import method_not_allowed, not_found, unknown_resource
from clusters.embedded.api.target import Target

if TYPE_CHECKING:
    from clusters.embedded.api.server import Server


class Subresources:
    """Answers requests below an object."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def answer(self, call: Call, kind: Kind, target: Target) -> Reply:
        known = {sub.name: sub for sub in kind.subresources}
        if target.subresource not in known:
            if kind.custom:
                raise not_found(kind.resource.plural, kind.resource.group, target.name)
            raise unknown_resource()
        if target.subresource == "status":
            return self._status(call, kind, target)
        raise method_not_allowed()

    def _status(self, call: Call, kind: Kind, target: Target) -> Reply:
        server = self._server
        if call.method in ("GET", "HEAD"):
            return server.get(call, kind, target)
        if call.method == "PUT":
            return server.writer.update(call, kind, target)
        if call.method == "PATCH":
            return server.patcher.patch(call, kind, target)
        raise method_not_allowed()
