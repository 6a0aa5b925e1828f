"""What pods say themselves: their logs, and in those the witness's own account of what it served.

A log is read when its pod is about to go, which is when it has the most to say, and at the end of the scenario for
those that stay. Kubernetes keeps no log of a pod that is gone, so a leaving pod's is followed to its end. Logs are
evidence beside the watched facts: where they cannot be read that is noted, and nothing else fails.

    logs/SCENARIO/POD.CONTAINER.log     the last lines, stamped by the node, redacted
    witness/SCENARIO/POD.jsonl          its accounts; shape: `account`
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from conformance.base.errors import ConformanceError, PlatformError
from conformance.base.tasks import tasks
from conformance.base.terminal import printable
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Cluster
from conformance.kube.resources import PODS
from conformance.kube.verbs import ApiStatus
from conformance.observe.observer import Observer
from conformance.recording.body import Body
from conformance.recording.kubernetes_time import unix
from conformance.recording.pod_bodies import SERVING, PodBody
from conformance.recording.redaction import Redactor
from conformance.recording.run_bodies import LateSecond, NoteBody, WitnessBody
from conformance.recording.shape import LEFT_OUT, Shape
from conformance.recording.units import Requests, Seconds, UnixSeconds
from conformance.recording.writer import Recorder

LINES: Final = 2000
"""Of one container: half an hour of a busy witness."""
FLUSH_SECONDS: Final = 2.0
"""In which a witness has written what it served last to its log; at the end of a scenario as much is waited."""
LINE_CHARACTERS: Final = 65_536
LOG_BYTES: Final = 64 * 1024
"""What is kept of one container's log, from its end; the accounts are kept in full."""
SCENARIO_BYTES: Final = 4 * 1024 * 1024
"""Log bytes of one scenario; later logs are left out with a note."""
SIDECARS: Final = frozenset({"queue-proxy", "istio-proxy", "linkerd-proxy"})
_FORBIDDEN: Final = (401, 403)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


@asynccontextmanager
async def record_pod_logs(
    cluster: Cluster, space: str, observer: Observer, recorder: Recorder, folder: Path, redactor: Redactor | None
) -> AsyncIterator[None]:
    """Hear the pods of a namespace while the block runs, and at its end those that are still there; not when the block
    is cancelled, which waits for nobody. `folder` is the run's."""
    async with tasks() as group:
        logs = _PodLogs(cluster.api, space, recorder, folder, redactor or Redactor(), group)
        observer.listeners.append(logs.change)
        try:
            yield
        except ConformanceError:
            await logs.finish(observer.state.all(PodBody))
            raise
        finally:
            # Watching goes on a little longer, and nobody follows a log any more.
            observer.listeners.remove(logs.change)
        if observer.state.pods():
            await cluster.clock.sleep(FLUSH_SECONDS)
        await logs.finish(observer.state.all(PodBody))


class _PodLogs:
    """`change` gets every pod's fact, `finish` comes once at the end; following happens in `group`."""

    def __init__(
        self, api: ApiClient, space: str, recorder: Recorder, folder: Path, redactor: Redactor, group: asyncio.TaskGroup
    ) -> None:
        self._api = api
        self._space = space
        self._recorder = recorder
        self._logs = folder / "logs" / recorder.header.scenario
        self._accounts = folder / "witness" / recorder.header.scenario
        self._redactor = redactor
        self._group = group
        self._ready: set[str] = set()
        self._following: dict[str, asyncio.Task[None]] = {}
        self._kept: set[str] = set()
        self._written = 0
        self._unreadable = False

    def change(self, body: Body) -> None:
        """A pod appeared, changed or went; other kinds do not matter."""
        if not isinstance(body, PodBody):
            return
        name = body.name
        if body.ready:
            self._ready.add(name)
        if body.deleting and name not in self._following and not self._unreadable and _NAME.fullmatch(name):
            self._following[name] = self._group.create_task(self._read_pod(body, follow=True))

    async def finish(self, present: Sequence[PodBody]) -> None:
        """Stop following and read what the pods that are still there have said."""
        for task in self._following.values():
            task.cancel()
        await asyncio.gather(*self._following.values(), return_exceptions=True)
        for body in present:
            if body.name not in self._following and _NAME.fullmatch(body.name):
                await self._read_pod(body, follow=False)

    async def _read_pod(self, body: PodBody, *, follow: bool) -> None:
        """Read a pod's containers, all of them when it did not do well, else only the one that serves."""
        names = [entry.name for entry in body.containers]
        serving = sorted((name for name in names if name not in SIDECARS), key=lambda name: name != SERVING)[:1]
        restarted = any(entry.restarts for entry in body.containers)
        unwell = body.name not in self._ready or body.phase == "Failed" or restarted
        if unwell:
            first = [entry.name for entry in body.init_containers]
            for name in [*first, *(name for name in names if name not in serving)]:
                await self._read(body.name, name, follow=False)
        for name in serving:
            await self._read(body.name, name, follow=follow)

    async def _read(self, pod: str, container: str, *, follow: bool) -> None:
        if self._unreadable or not _NAME.fullmatch(container):
            return
        lines: deque[str] = deque(maxlen=LINES)
        query = {"container": container, "tailLines": str(LINES), "timestamps": "true"}
        path = PODS.path(self._space, pod, "log")
        try:
            if follow:
                async with self._api.stream(path, query={**query, "follow": "true"}) as stream:
                    async for line in stream:
                        lines.append(_bounded(line.decode("utf-8", "replace")))
            else:
                answer = await self._api.request("GET", path, query=query)
                if answer.status in _FORBIDDEN:
                    self._note_refusal(answer.status)
                elif answer.status == 200:
                    lines.extend(map(_bounded, answer.body.decode("utf-8", "replace").splitlines()))
        except ApiStatus as status:
            # 400 and 404: it never started, or is gone.
            if status.status in _FORBIDDEN:
                self._note_refusal(status.status)
        except PlatformError as error:
            self._unreadable = not follow
            self._recorder.write(NoteBody(f"log of {pod} broke off: {error}", "info"))
        finally:
            self._keep(pod, container, [line for line in lines if line])

    def _note_refusal(self, status: int) -> None:
        if not self._unreadable:
            self._unreadable = True
            text = f"logs of pods cannot be read ({status}): the account needs get on pods/log"
            self._recorder.write(NoteBody(text, "warning"))

    def _keep(self, pod: str, container: str, lines: list[str]) -> None:
        if not lines:
            return
        accounts = [found for line in lines if (found := account(line)) is not None and found.pod == pod]
        if accounts and pod not in self._kept:
            self._kept.add(pod)
            self._accounts.mkdir(parents=True, exist_ok=True)
            plain = [self._redactor.body(entry.plain()) for entry in accounts]
            text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in plain)
            (self._accounts / f"{pod}.jsonl").write_text(text, encoding="utf-8")
            late = tuple(second for entry in accounts for second in entry.late or ())
            self._recorder.write(replace(accounts[-1].body(), late=late or None))
        # The accounts have a file of their own.
        rest = [line for line in lines if account(line) is None]
        data = self._redactor.text("".join(printable(line) + "\n" for line in rest)).encode()[-LOG_BYTES:]
        if not data:
            return
        if self._written + len(data) > SCENARIO_BYTES:
            self._recorder.write(NoteBody(f"log of {pod} left out: too much already", "info"))
            return
        self._written += len(data)
        self._logs.mkdir(parents=True, exist_ok=True)
        (self._logs / f"{pod}.{container}.log").write_bytes(data)


def _bounded(line: str) -> str:
    return line[:LINE_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Account(Shape):
    """What a witness says of itself in its log: one line of `witness/SCENARIO/POD.jsonl`."""

    wall: UnixSeconds
    pod: str
    kind: str
    in_flight: Requests
    high_water: Requests
    served: Requests
    cpu_seconds: Seconds | None = field(default=None, metadata=LEFT_OUT, kw_only=True)
    """Processor time that requests have burnt until then."""
    held_mb: int | None = field(default=None, metadata=LEFT_OUT, kw_only=True)
    """Memory that requests hold then, in mebibytes."""
    devices: tuple[str, ...]
    requests: tuple[str, ...]
    """Numbers of the requests it answered last."""
    late: tuple[LateSecond, ...] | None = field(default=None, metadata=LEFT_OUT)
    """Seconds in which it was starved, since the account before."""

    def body(self) -> WitnessBody:
        """As a fact."""
        return WitnessBody(
            self.pod,
            self.kind,
            self.wall,
            self.in_flight,
            self.high_water,
            self.served,
            self.cpu_seconds,
            self.held_mb,
            self.devices,
        )


def account(line: str) -> Account | None:
    """The witness's account in a stamped log line, None for any other line."""
    stamp, _, text = line.partition(" ")
    wall = unix(stamp)
    if wall is None or not text.startswith('{"pod"'):
        return None
    try:
        return Account.parse({**json.loads(text), "wall": wall})
    except (ValueError, TypeError, RecursionError):
        return None
