"""A recorded request handed to an ASGI application, and what came back."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from conformance.golden.interaction import Interaction

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


@dataclass(slots=True)
class Answer:
    """A complete answer; header values in the order sent."""

    status: int
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: bytes = b""

    def value(self) -> Any:
        """The body as JSON where it says it is, else as text."""
        body = self.body
        if self.headers.get("content-encoding") == ["gzip"] and body:
            body = gzip.decompress(body)
        kind = (self.headers.get("content-type") or [""])[0]
        if kind.startswith("application/json") and body:
            try:
                return json.loads(body)
            except ValueError:
                return body.decode("utf-8", "replace")
        return body.decode("utf-8", "replace")


def scope_of(interaction: Interaction, headers: dict[str, str]) -> Message:
    """The ASGI scope of a recorded request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": interaction.method,
        "scheme": "https",
        "path": interaction.path,
        "raw_path": quote(interaction.path).encode(),
        "root_path": "",
        "query_string": interaction.query_string.encode(),
        "headers": [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()],
        "client": ("127.0.0.1", 0),
        "server": ("kubernetes.example", 6443),
    }


def decoded_headers(message: Message) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in message["headers"]:
        headers.setdefault(name.decode().lower(), []).append(value.decode("utf-8", "replace"))
    return headers


async def ask(app: Application, interaction: Interaction, headers: dict[str, str]) -> Answer:
    """Send a request and gather its whole answer."""
    answer = Answer(0)
    parts: list[bytes] = []

    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()
        sent = True
        return {"type": "http.request", "body": interaction.body or b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], decoded_headers(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body") or b"")

    await app(scope_of(interaction, headers), receive, send)
    answer.body = b"".join(parts)
    return answer
