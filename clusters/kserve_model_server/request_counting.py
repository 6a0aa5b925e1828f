"""Counts around a model server what the witness counts inside itself, and says so in the same headers and accounts.

An ASGI application around the server's own, so that refusals and errors of the server count too.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from clusters.witness.witness import ASK, INFER, REMEMBERED, STAMP, checksums
from clusters.witness.witness_settings import WitnessSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SPEAK_SECONDS: Final = 5.0


class _Signing:
    """One exchange, whose answer says what it answers: it waits until its body is whole."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.identity = ""
        self._receive = receive
        self._send = send
        self._given = 0
        self._start: Message = {}
        self._parts: list[bytes] = []

    async def receive(self) -> Message:
        """A part of the request's body, which is counted in."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._given = zlib.crc32(message.get("body", b""), self._given)
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer; the last sends all of it."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = b"".join(self._parts)
        text = checksums(self.identity, self._given, zlib.crc32(body))
        await self._send({**self._start, "headers": [*self._start.get("headers", ()), (STAMP.encode(), text.encode())]})
        await self._send({"type": "http.response.body", "body": body})


class Counting:
    """One container's count of requests to its model."""

    def __init__(self, app: App, settings: WitnessSettings, devices: tuple[str, ...] = ()) -> None:
        self.settings = settings
        self.in_flight = 0
        self.high_water = 0
        self.served = 0
        self._app = app
        self._devices = devices
        self._started_wall = time.time()
        self._requests: deque[str] = deque(maxlen=REMEMBERED)
        self._untold: deque[str] = deque(maxlen=REMEMBERED)
        self._told = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/witness":
            await self._tell(send)
        elif scope["method"] == "POST" and (ASK.fullmatch(scope["path"]) or INFER.fullmatch(scope["path"])):
            await self._count(scope, receive, send)
        else:
            await self._app(scope, receive, self._stamping(send, self.in_flight, None))

    def report(self) -> dict[str, object]:
        """What /witness says; as the witness's own."""
        return {
            "pod": self.settings.pod,
            "kind": self.settings.kind.value,
            "in_flight": self.in_flight,
            "high_water": self.high_water,
            "served": self.served,
            "devices": list(self._devices),
            "started_wall": self._started_wall,
            "requests": list(self._requests),
        }

    def account(self) -> dict[str, object]:
        """The report for the log: its `requests` are those since the last account."""
        found = {**self.report(), "requests": list(self._untold)}
        self._untold.clear()
        self._told = self.served
        return found

    async def log_accounts(self, say: Callable[[dict[str, object]], None]) -> None:
        """Give an account every few seconds in which something was served, until cancelled."""
        while True:
            await asyncio.sleep(SPEAK_SECONDS)
            if self.served != self._told:
                say(self.account())

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        signing = _Signing(receive, send)
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                signing.identity = value.decode("latin-1")
                self._requests.append(signing.identity)
                self._untold.append(signing.identity)
        self.in_flight += 1
        self.high_water = max(self.high_water, self.in_flight)
        try:
            await self._app(scope, signing.receive, self._stamping(signing.send, self.in_flight, began))
        finally:
            self.in_flight -= 1
            self.served += 1

    def _stamping(self, send: Send, in_flight: int, began: float | None) -> Send:
        async def stamp(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = 0.0 if began is None else time.monotonic() - began
                own = (
                    ("x-pod", self.settings.pod),
                    ("x-in-flight", str(in_flight)),
                    ("x-high-water", str(self.high_water)),
                    ("x-model-ms", f"{seconds * 1000:.3f}"),
                )
                headers = [*message.get("headers", ()), *((name.encode(), value.encode()) for name, value in own)]
                message = {**message, "headers": headers}
            await send(message)

        return stamp

    async def _tell(self, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await self._stamping(send, self.in_flight, None)(
            {"type": "http.response.start", "status": 200, "headers": headers}
        )
        await send({"type": "http.response.body", "body": json.dumps(self.report()).encode()})
