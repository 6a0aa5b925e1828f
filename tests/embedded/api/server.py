"""An API server in the test's own event loop, and a client that speaks to it without sockets."""

from __future__ import annotations

import asyncio
import functools
import json
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from clusters.embedded.api import bootstrap
from clusters.embedded.api.admission_chain import Hooks
from clusters.embedded.api.asgi import Application, create_app
from clusters.embedded.api.auth import ADMIN, Tokens
from clusters.embedded.api.store import Store
from clusters.embedded.install import custom_kinds
from conformance.base.clock import VirtualClock, run_virtual, virtual_clock

TOKEN = "test"
SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/default/inferenceservices"


def in_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that is a coroutine, run to its end in virtual time."""

    @functools.wraps(test)
    def run() -> None:
        run_virtual(test())

    return run


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (repeated ones joined by a newline) and parsed body."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def message(self) -> str:
        return str(self.body["message"])


class Api:
    """A fresh server with the namespace `default`."""

    def __init__(self, clock: VirtualClock, hooks: Hooks | None = None, *, keep_changes: int = 20_000) -> None:
        self.store = Store(clock, random.Random(7), keep_changes=keep_changes)
        bootstrap.install(self.store, custom_kinds.definitions())
        self.tokens = Tokens()
        self.tokens.add(TOKEN, ADMIN)
        self.app: Application = create_app(self.store, self.tokens, hooks)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `path` may carry a query, `body` may be an object or raw bytes."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        pairs = {"accept": "application/json", **({"content-type": content_type} if raw else {}), **(headers or {})}
        if token is not None:
            pairs["authorization"] = f"Bearer {token}"
        seen: dict[str, Any] = {}
        parts: list[bytes] = []
        given = [{"type": "http.request", "body": raw, "more_body": False}]

        async def receive() -> Any:
            if given:
                return given.pop()
            return await asyncio.get_running_loop().create_future()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                seen.update(message)
            else:
                parts.append(message.get("body") or b"")

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
        }
        await self.app(scope, receive, send)
        text = b"".join(parts)
        found: dict[str, str] = {}
        for name, value in seen["headers"]:
            key = name.decode()
            found[key] = f"{found[key]}\n{value.decode()}" if key in found else value.decode()
        return Answer(seen["status"], found, _parsed(text))

    async def watch(self, path: str) -> list[Any]:
        """The lines of a watch until the server ends it."""
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.body if isinstance(answer.body, list) else [answer.body] if answer.body else []


def _parsed(text: bytes) -> Any:
    if not text.strip():
        return None
    lines = [line for line in text.split(b"\n") if line]
    try:
        values = [json.loads(line) for line in lines]
    except ValueError:
        try:
            return json.loads(text)
        except ValueError:
            return text.decode()
    return values[0] if len(values) == 1 else values


def fresh(hooks: Hooks | None = None, *, keep_changes: int = 20_000) -> Api:
    """A server on the running virtual loop."""
    return Api(virtual_clock(), hooks, keep_changes=keep_changes)


def inference_service(name: str, **predictor: Any) -> dict[str, Any]:
    """A small InferenceService."""
    model = {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://bucket/model"}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name},
        "spec": {"predictor": {"model": model, **predictor}},
    }
