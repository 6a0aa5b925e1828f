"""The ingress: from a Host header to a revision, and on to one of its pods or to an activator.

Its own answers are worded as Envoy does, which Kourier and Istio both are: an unknown host is a 404 without a body, a
broken backend a 503 that says so. Paths pass through untouched.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from functools import partial
from typing import Final

from clusters.embedded.dataplane.dataplane_behaviour import DataBehaviour, Step
from clusters.embedded.dataplane.network import Network
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Endpoints, Routes
from conformance.base.clock import Clock
from conformance.base.http.exchange import ExchangeError, Headers, Request, Response

SERVER: Final = ("server", "envoy")
TEXT: Final[Headers] = (("content-type", "text/plain"), SERVER)
NO_ROUTE: Final = Response(404, (SERVER,))
NO_BACKEND: Final = Response(503, TEXT, b"no healthy upstream")
INTERNAL: Final = frozenset(
    ("k-network-probe", "k-proxy-request", "knative-serving-namespace", "knative-serving-revision")
)
ORIGIN: Final[Headers] = (("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "http"))
UPSTREAM_ERRORS: Final = {
    "connect": "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
    "reset": "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    "cut": "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    "protocol": "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
}


class IngressProxy:
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
        kept = behaviour.kept_answer(request)
        if kept is not None:
            return kept
        revision = behaviour.choose_revision(request, splits, rng)
        backends = self._endpoints.find(revision)
        address = behaviour.direct_pod(backends, rng)
        if address is None and backends.activated:
            address = self._activator()
        if address is None:
            return NO_BACKEND
        onward = self._onward(behaviour.handed_on(request), revision)
        began = self._clock.monotonic()
        try:
            copies = behaviour.copies(request)
            if copies == 1:
                response = await behaviour.passes(Step.INGRESS, onward, partial(self._network.call, address))
            else:
                response = await self._multiply(copies, address, onward)
        except ExchangeError as error:
            return Response(503, TEXT, UPSTREAM_ERRORS[error.kind].encode())
        milliseconds = int((self._clock.monotonic() - began) * 1000)
        headers = [header for header in response.headers if header[0] != "server"]
        headers.append(("x-envoy-upstream-service-time", str(milliseconds)))
        headers.append(SERVER)
        return behaviour.passed_back(request, response.with_headers(tuple(headers)))

    async def _multiply(self, copies: int, address: str, request: Request) -> Response:
        """What a correct ingress never does: send a request more than once. The first copy's answer counts."""
        outcomes = await asyncio.gather(
            *(self._network.call(address, request) for _ in range(copies)), return_exceptions=True
        )
        for copy in outcomes[1:]:
            if isinstance(copy, Response) and copy.stream is not None:
                copy.stream.close()
        if isinstance(outcomes[0], BaseException):
            raise outcomes[0]
        return outcomes[0]

    def _activator(self) -> str | None:
        if len(self.activators) > 1:
            return self._rng.choice(self.activators)
        return self.activators[0] if self.activators else None

    def _onward(self, request: Request, revision: RevisionKey) -> Request:
        """The request as the next hop gets it. Routing headers of the client's own are not believed."""
        headers = [("knative-serving-namespace", revision.namespace), ("knative-serving-revision", revision.name)]
        identified = forwarded = False
        for header in request.headers:
            name = header[0]
            if name in INTERNAL:
                continue
            headers.append(header)
            if name == "x-request-id":
                identified = True
            elif name == "forwarded":
                forwarded = True
        if not identified:
            headers.append(("x-request-id", f"{self._rng.getrandbits(128):032x}"))
        if not forwarded:
            headers.extend(ORIGIN)
            headers.append(("forwarded", f"for=127.0.0.1;host={request.host};proto=http"))
        return request.with_headers(tuple(headers))
