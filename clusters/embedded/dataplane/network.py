"""How the parts of the data plane reach each other: by address, with one request and one answer.

Addresses are `ip:port` of the cluster's own numbering (`10.244.0.7:8012`) or any other text; they mean the same in both
networks. `VirtualNetwork` awaits the other side directly, for virtual time; `SocketNetwork`
(`clusters.embedded.dataplane.sockets`) carries each hop over HTTP/1.1 on loopback.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from typing import Protocol

from clusters.embedded.dataplane.streams import Breakable
from conformance.base.http.exchange import ExchangeError, Handler, Request, Response


class Listener(Protocol):
    """A handler at an address."""

    address: str
    """As the cluster knows it."""
    bound: str
    """`host:port` to connect to from outside; the same as `address` in virtual time."""

    async def close(self) -> None:
        """The process behind it died: refuse new requests, cut the running ones (their callers see `reset`)."""


class Network(Protocol):
    """Where listeners live."""

    async def serve(self, address: str, handler: Handler, *, port: int = 0) -> Listener:
        """Answer requests to an address. `port` asks for a real port on loopback, 0 takes any. Raises OSError when the
        address or port is taken."""

    def call(self, address: str, request: Request) -> Awaitable[Response]:
        """Send one request, never again. Raises ExchangeError (connect, reset, protocol, cut). Cancelling it is seen by
        the other side as the client going away."""

    def listening(self, address: str) -> bool:
        """Whether a TCP connect would succeed now."""

    async def close(self) -> None:
        """Close all listeners and connections."""


class _Call:
    """A call under way: which task is inside a listener's handler, and whether the listener died meanwhile."""

    __slots__ = ("cancelling", "cut", "task")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = task
        self.cancelling = task.cancelling()
        self.cut = False


class VirtualListener:
    """One entry of a `VirtualNetwork`."""

    def __init__(self, network: VirtualNetwork, address: str, handler: Handler) -> None:
        self.address = address
        self.bound = address
        self.handler = handler
        self.calls: dict[_Call, None] = {}
        self.bodies: dict[Breakable, None] = {}
        self._network = network

    async def close(self) -> None:
        self._network.forget(self)
        for call in list(self.calls):
            call.cut = True
            call.task.cancel()
        for body in list(self.bodies):
            body.cut()
        while self.calls:
            await asyncio.sleep(0)


class VirtualNetwork:
    """All hops in one event loop: the caller's own task runs the handler.

    A dying listener takes back its callers as `asyncio.timeout` does: it cancels the task and turns that cancellation,
    and only that one, into an `ExchangeError`.
    """

    def __init__(self, *, hop_seconds: tuple[float, float] = (0.0, 0.0), rng: random.Random | None = None) -> None:
        """`hop_seconds`: shortest and longest time that a request takes to arrive, drawn anew for each from `rng`."""
        self._listeners: dict[str, VirtualListener] = {}
        self._hop_seconds = hop_seconds
        self._rng = rng

    async def serve(self, address: str, handler: Handler, *, port: int = 0) -> VirtualListener:
        del port
        if address in self._listeners:
            raise OSError(f"address {address} is in use")
        listener = self._listeners[address] = VirtualListener(self, address, handler)
        return listener

    def forget(self, listener: VirtualListener) -> None:
        """Take a listener out, if it is still the one at its address."""
        if self._listeners.get(listener.address) is listener:
            del self._listeners[listener.address]

    def listening(self, address: str) -> bool:
        return address in self._listeners

    async def call(self, address: str, request: Request) -> Response:
        if self._rng is not None:
            await asyncio.sleep(self._rng.uniform(*self._hop_seconds))
        listener = self._listeners.get(address)
        if listener is None:
            raise ExchangeError("connect", f"dial tcp {address}: connect: connection refused")
        task = asyncio.current_task()
        assert task is not None
        call = _Call(task)
        listener.calls[call] = None
        try:
            response = await listener.handler(request)
        except asyncio.CancelledError:
            if call.cut and task.uncancel() <= call.cancelling:
                raise ExchangeError("reset", f"read tcp {address}: connection reset by peer") from None
            raise
        finally:
            del listener.calls[call]
        if response.stream is not None:
            return response.with_stream(Breakable(response.stream, listener.bodies))
        return response

    async def close(self) -> None:
        for listener in list(self._listeners.values()):
            await listener.close()
