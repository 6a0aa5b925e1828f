"""A platform in virtual time, driven from outside: through its API and its ingress."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from clusters.embedded.api.change_log import Entry, Key
from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import Storage
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.platform import Platform
from conformance.base.clock import Clock, run_virtual, virtual_clock
from conformance.base.http.exchange import Request, Response
from conformance.kube import resources
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.resources import Resource
from conformance.kube.serving_runtimes import runtimes
from conformance.kube.verbs import Object, create, get, list_all
from conformance.run import deployment

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
EXAMPLES = FIXTURES / "examples"
SPACE = "demo"
PAYLOAD = (FIXTURES / "payloads" / "input.json").read_bytes()
MNIST = (FIXTURES / "payloads" / "input-mnist.json").read_bytes()

T = TypeVar("T")


@dataclass
class Scene:
    """One platform with one namespace."""

    platform: Platform
    api: InProcessClient
    clock: Clock
    codes: Counter[int] = field(default_factory=Counter)

    async def apply(self, manifest: bytes | dict[str, Any]) -> Object:
        """Apply an InferenceService."""
        body = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        return await deployment.deploy(self.api, SPACE, body)

    async def example(self, name: str) -> Object:
        """Apply a documented example."""
        return await self.apply((EXAMPLES / f"{name}.yaml").read_bytes())

    async def get(self, resource: Resource, name: str) -> Object:
        found = await get(self.api, resource, SPACE if resource.namespaced else None, name)
        assert found is not None, f"{resource.kind} {name} is not there"
        return found

    async def listed(self, resource: Resource) -> list[Object]:
        return (await list_all(self.api, resource, SPACE))[0]

    async def live_pods(self) -> list[Object]:
        """Pods that are not being deleted."""
        return [pod for pod in await self.listed(resources.PODS) if "deletionTimestamp" not in pod["metadata"]]

    async def ready(self, name: str, within: float = 60.0) -> Object:
        """Wait until an InferenceService is Ready."""

        async def is_ready() -> Object | None:
            value = await self.get(resources.INFERENCE_SERVICES, name)
            return value if condition(value, "Ready") == "True" else None

        return await self.until(is_ready, within)

    async def until(self, ask: Callable[[], Awaitable[T | None]], within: float = 60.0, every: float = 0.5) -> T:
        """Wait until something is there."""
        end = self.clock.monotonic() + within
        while True:
            found = await ask()
            if found is not None and found is not False:
                return found
            assert self.clock.monotonic() < end, f"not within {within} s"
            await self.clock.sleep(every)

    async def request(self, url: str, path: str, body: bytes = PAYLOAD, **headers: str) -> Response:
        """One request to a `status.url`."""
        pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        host = urlsplit(url).netloc
        request = Request("POST", path, host, (("content-type", "application/json"), *pairs), body)
        response = await self.platform.ingress(request)
        self.codes[response.status] += 1
        return response

    async def hold(
        self, url: str, path: str, workers: int, seconds: float, body: bytes = PAYLOAD, **headers: str
    ) -> list[Response]:
        """Keep requests in flight."""
        end = self.clock.monotonic() + seconds
        answers = []

        async def worker() -> None:
            while self.clock.monotonic() < end:
                before = self.clock.monotonic()
                answers.append(await self.request(url, path, body, **headers))
                if self.clock.monotonic() == before:
                    # An answer in no time at all would hold the clock.
                    await self.clock.sleep(1e-4)

        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
        return answers

    async def counts(self, seconds: float, every: float = 1.0) -> list[tuple[float, int]]:
        """(time, live pods) over a stretch of time."""
        start, seen = self.clock.monotonic(), []
        while (now := self.clock.monotonic() - start) < seconds:
            seen.append((now, len(await self.live_pods())))
            await self.clock.sleep(every)
        return seen


@contextmanager
def changed_by_writing_alone(platform: Platform) -> Iterator[None]:
    """What is written in the block is, at its end, as it was written: controllers read stored objects in place."""
    written: dict[tuple[Storage, Key], tuple[Object, Object]] = {}

    def note(entry: Entry) -> None:
        written[entry.storage, entry.key] = entry.object, copied(entry.object)

    platform.store.listen(note)
    yield
    assert [key for key, (stored, as_written) in written.items() if stored != as_written] == []


def condition(value: Object, kind: str) -> str:
    """A condition's status; empty when it is not there."""
    for entry in (value.get("status") or {}).get("conditions") or ():
        if entry["type"] == kind:
            return str(entry["status"])
    return ""


@asynccontextmanager
async def scene(
    *,
    seed: int = 1,
    options: PlatformOptions | None = None,
    fault: str | None = None,
    witness: bool = True,
    start_seconds: float = 2.0,
    service_ms: int = 100,
    guarded: bool = False,
) -> AsyncIterator[Scene]:
    """A platform with a namespace in which the witness serves the documented formats; `guarded`: see
    `changed_by_writing_alone`."""
    clock = virtual_clock()
    async with Platform(clock, seed, options, fault) as platform:
        api = InProcessClient(platform.app, platform.token)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
        await create(api, resources.NAMESPACES, space)
        if witness:
            for runtime in runtimes("witness", service_ms=service_ms, start_seconds=start_seconds):
                await deployment.put(api, resources.SERVING_RUNTIMES, SPACE, runtime)
        with changed_by_writing_alone(platform) if guarded else nullcontext():
            yield Scene(platform, api, clock)
        assert platform.controllers.failures == []


def play(story: Callable[[Scene], Awaitable[T]], **kwargs: Any) -> T:
    """Run a story on a fresh platform in virtual time."""

    async def main() -> T:
        async with scene(**kwargs) as found:
            return await story(found)

    return run_virtual(main())
