"""The data plane's network in real time: every hop is HTTP/1.1 on loopback.

Pods have addresses of the cluster's own numbering; each listener takes a free port of 127.0.0.1, and only this table
knows which. That works on every system, also where 127.0.0.0/8 has one address only.
"""

from __future__ import annotations

import resource
from collections.abc import Awaitable
from typing import Final

from conformance.base.http.exchange import ExchangeError, Handler, Request, Response
from conformance.base.http.http_client import Client
from conformance.base.http.http_server import Server

LOOPBACK: Final = "127.0.0.1"
FILES: Final = 65_536
"""Open files wished for: a request in flight holds two on each of its hops, and systems begin with 256 or 1024."""


def allow_files(wanted: int = FILES) -> int:
    """Raise this process's limit of open files as far as it may go, at the most to `wanted`; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    goal = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    while soft < goal:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
        except (OSError, ValueError):
            goal //= 2  # macOS has a limit of its own below the hard one
        else:
            return goal
    return soft


class SocketListener:
    """A server at one address of the cluster."""

    def __init__(self, network: SocketNetwork, address: str, server: Server) -> None:
        self.address = address
        self.bound = f"{LOOPBACK}:{server.port}"
        self.server = server
        self.port = server.port
        self._network = network

    async def close(self) -> None:
        self._network.forget(self)
        await self.server.close()


class ProgramListener:
    """Another program that listens on loopback, at one address of the cluster. Closing it only forgets the address."""

    def __init__(self, network: SocketNetwork, address: str, port: int) -> None:
        self.address = address
        self.bound = f"{LOOPBACK}:{port}"
        self.port = port
        self._network = network

    async def close(self) -> None:
        self._network.forget(self)


class SocketNetwork:
    """Listeners by address, and one client with its connections for all callers."""

    def __init__(self) -> None:
        allow_files()
        self._listeners: dict[str, SocketListener | ProgramListener] = {}
        self._client = Client(streaming=True)

    async def serve(self, address: str, handler: Handler, *, port: int = 0) -> SocketListener:
        self._check_free(address)
        server = Server(handler)
        await server.listen(LOOPBACK, port)
        listener = self._listeners[address] = SocketListener(self, address, server)
        return listener

    def attach(self, address: str, port: int) -> ProgramListener:
        """Lead an address to a program that listens on a port of loopback. Raises OSError when it is taken."""
        self._check_free(address)
        listener = self._listeners[address] = ProgramListener(self, address, port)
        return listener

    def port(self, address: str) -> int | None:
        """The port on loopback behind an address; None when nobody listens there."""
        listener = self._listeners.get(address)
        return None if listener is None else listener.port

    def _check_free(self, address: str) -> None:
        if address in self._listeners:
            raise OSError(f"address {address} is in use")

    def forget(self, listener: SocketListener | ProgramListener) -> None:
        """Take a listener out, if it is still the one at its address."""
        if self._listeners.get(listener.address) is listener:
            del self._listeners[listener.address]
        self._client.forget(LOOPBACK, listener.port)

    def listening(self, address: str) -> bool:
        return address in self._listeners

    def call(self, address: str, request: Request) -> Awaitable[Response]:
        listener = self._listeners.get(address)
        if listener is None:
            raise ExchangeError("connect", f"dial tcp {address}: connect: connection refused")
        return self._client.call(LOOPBACK, listener.port, request)

    async def close(self) -> None:
        await self._client.close()
        for listener in list(self._listeners.values()):
            await listener.close()
