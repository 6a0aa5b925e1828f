"""The ingress: from a Host header to a revision, and on to one of its pods or to an activator.

Its own answers are worded as Envoy does, which Kourier and Istio both are: an unknown host is a 404 without a body, a
broken backend a 503 that says so. Paths pass through untouched.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from clusters.embedded.behaviour import DataBehaviour
from clusters.embedded.dataplane.network import Network
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Endpoints, Routes
from conformance.clock import Clock
from conformance.exchange import ExchangeError, Headers, Request, Response

SERVER: Final[Headers] = (("server", "envoy"),)
TEXT: Final[Headers] = (("content-type", "text/plain"), *SERVER)
NO_ROUTE: Final = Response(404, SERVER)
NO_BACKEND: Final = Response(503, TEXT, b"no healthy upstream")
UPSTREAM_ERRORS: Final = {
    "connect": "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
    "reset": "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    "cut": "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    "protocol": "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
}


class Ingress:
    """The gateway, for hosts outside and inside the cluster alike. Serve `handle` somewhere."""

    def __init__(
        self,
        network: Network,
        clock: Clock,
        rng: random.Random,
        behaviour: DataBehaviour,
        routes: Routes,
        endpoints: Endpoints,
        activators: Sequence[str],
    ) -> None:
        """`activators`: their addresses; one is taken at random for each request that needs one."""
        self._network = network
        self._clock = clock
        self._rng = rng
        self._behaviour = behaviour
        self._routes = routes
        self._endpoints = endpoints
        self.activators = tuple(activators)

    async def handle(self, request: Request) -> Response:
        """Answer one request from outside or from a component that calls another."""
        splits = self._routes.find(request.host)
        if not splits:
            return NO_ROUTE
        behaviour, rng = self._behaviour, self._rng
        revision = behaviour.choose_revision(request, splits, rng)
        address = behaviour.direct_pod(self._endpoints.find(revision), rng) or self._activator()
        if address is None:
            return NO_BACKEND
        onward = self._onward(request, revision)
        copies = behaviour.copies(request)
        if copies == 1:
            return await self._send(address, onward)
        async with asyncio.TaskGroup() as group:
            sent = [group.create_task(self._send(address, onward)) for _ in range(copies)]
        return sent[0].result()

    def _activator(self) -> str | None:
        if len(self.activators) > 1:
            return self._rng.choice(self.activators)
        return self.activators[0] if self.activators else None

    def _onward(self, request: Request, revision: RevisionKey) -> Request:
        """The request as the next hop gets it. Routing headers of the client's own are not believed."""
        headers = [
            (name, value)
            for name, value in request.headers
            if not name.startswith("knative-serving-") and name not in ("k-proxy-request", "k-network-probe")
        ]
        headers.append(("knative-serving-namespace", revision.namespace))
        headers.append(("knative-serving-revision", revision.name))
        if request.header("x-request-id") is None:
            headers.append(("x-request-id", f"{self._rng.getrandbits(128):032x}"))
        if request.header("x-forwarded-proto") is None:
            headers.append(("x-forwarded-for", "127.0.0.1"))
            headers.append(("x-forwarded-proto", "http"))
            headers.append(("forwarded", f"for=127.0.0.1;host={request.host};proto=http"))
        return replace(request, headers=tuple(headers))

    async def _send(self, address: str, request: Request) -> Response:
        began = self._clock.monotonic()
        try:
            response = await self._network.call(address, request)
        except ExchangeError as error:
            return Response(503, TEXT, UPSTREAM_ERRORS[error.kind].encode())
        milliseconds = int((self._clock.monotonic() - began) * 1000)
        extra = (("x-envoy-upstream-service-time", str(milliseconds)), *SERVER)
        return replace(response, headers=tuple(h for h in response.headers if h[0] != "server") + extra)
