"""A cluster that runs Indexed Jobs: a real API server on a socket, and in place of its controllers and its node what
Kubernetes documents of them. Pods are processes of this machine, their logs what these print."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clusters.embedded.api import bootstrap, tls_server
from clusters.embedded.api.admission_chain import Hooks
from clusters.embedded.api.asgi import create_app
from clusters.embedded.api.auth import ADMIN, Tokens
from clusters.embedded.api.store import Store
from conformance.base.clock import RealClock
from conformance.kube.official_client import OfficialClient, connect
from conformance.kube.resources import PODS, SECRETS
from conformance.kube.verbs import create, delete, get, list_all, merge, watch
from conformance.run.generators.indexed_job import INDEX, JOBS

NAMESPACE = "default"
INDEX_PATH = f"metadata.annotations['{INDEX}']"
UNSCHEDULABLE = {
    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient cpu.",
}  # fmt: skip
CRASH = ["-c", "print('Traceback: something else'); raise SystemExit(1)"]


@dataclass(frozen=True)
class Mishaps:
    """What goes wrong, by completion index."""

    crash: frozenset[int] = frozenset()
    """The container ends at once, saying something of its own."""
    killed: frozenset[int] = frozenset()
    """Killed as it reports its first second of load."""
    pending: frozenset[int] = frozenset()
    """Never gets a node."""
    cut: frozenset[int] = frozenset()
    """The first connection that follows its log ends after three lines, without an error."""
    blind: int = 0
    """So many lists of pods are answered 503."""


class Log:
    """What one container has printed."""

    def __init__(self, *, cut: bool) -> None:
        self.cut = cut
        self.lines: list[bytes] = []
        self.closed = False
        self.changed = asyncio.Event()

    def add(self, line: bytes) -> None:
        self.lines.append(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode() + line)
        self.changed.set()

    def close(self) -> None:
        self.closed = True
        self.changed.set()

    async def read(self, follow: bool) -> AsyncIterator[bytes]:
        """AsyncioConnection by line, each with its time in front."""
        seen, cut = 0, self.cut and follow
        if follow:
            self.cut = False
        while seen < len(self.lines) or (follow and not self.closed):
            self.changed.clear()
            if seen == len(self.lines):
                await self.changed.wait()
                continue
            yield self.lines[seen]
            seen += 1
            if cut and seen == 3:
                return


@dataclass
class JobCluster:
    """The cluster and what was seen of it."""

    folder: Path
    mishaps: Mishaps
    kubeconfig: Path
    api: OfficialClient
    logs: dict[str, Log] = field(default_factory=dict)
    """By pod uid."""
    jobs: list[dict[str, Any]] = field(default_factory=list)
    """As the API server admitted them."""
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    """By pod name."""
    failed: set[str] = field(default_factory=set)
    """Jobs that have failed, and so lost all their pods."""

    async def control(self) -> None:
        """The Job controller."""
        async with asyncio.TaskGroup() as group, watch(self.api, JOBS, NAMESPACE, "0") as changes:
            async for change in changes:
                job = change.object
                if change.type == "ADDED":
                    self.jobs.append(job)
                    assert job["spec"]["completionMode"] == "Indexed"
                    for index in range(job["spec"]["completions"]):
                        pod = await create(self.api, PODS, _pod(job, index), NAMESPACE)
                        if index not in self.mishaps.pending:
                            group.create_task(self._run(job, pod, index))
                        else:
                            await self._patch(pod["metadata"]["name"], {"conditions": [UNSCHEDULABLE]})
                elif change.type == "DELETED":
                    await self._end(job["metadata"]["name"])

    async def _run(self, job: dict[str, Any], pod: dict[str, Any], index: int) -> None:
        """The node: one container from its start to its end."""
        name = pod["metadata"]["name"]
        log = self.logs[pod["metadata"]["uid"]] = Log(cut=index in self.mishaps.cut)
        (container,) = pod["spec"]["containers"]
        arguments = [await self._mounted(pod, word) for word in container["command"][1:]]
        process = self.processes[name] = await asyncio.create_subprocess_exec(
            sys.executable,
            *(CRASH if index in self.mishaps.crash else arguments),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **{entry["name"]: _value(entry, pod) for entry in container["env"]}},
        )
        assert process.stdout
        await self._patch(name, {"phase": "Running"})
        while line := await process.stdout.readline():
            log.add(line)
            if b'"progress"' in line and index in self.mishaps.killed:
                process.kill()
        log.close()
        code = await process.wait()
        await self._patch(name, {"phase": "Failed" if code else "Succeeded"})
        if code and "backoffLimitPerIndex" not in job["spec"]:
            # Without a limit per index, one failure beyond `backoffLimit` ends the whole Job.
            await self._end(job["metadata"]["name"])

    async def _mounted(self, pod: dict[str, Any], word: str) -> str:
        """A path inside the container as one of this machine."""
        secrets = {
            entry["name"]: entry["secret"]["secretName"] for entry in pod["spec"]["volumes"] if "secret" in entry
        }
        for mount in pod["spec"]["containers"][0]["volumeMounts"]:
            if mount["name"] in secrets and word.startswith(mount["mountPath"]):
                secret = await get(self.api, SECRETS, NAMESPACE, secrets[mount["name"]])
                assert secret
                folder = self.folder / secret["metadata"]["name"]
                folder.mkdir(exist_ok=True)
                for file, data in secret["data"].items():
                    (folder / file).write_bytes(base64.b64decode(data))
                return str(folder) + word.removeprefix(mount["mountPath"])
        return word

    async def _patch(self, pod: str, status: dict[str, Any]) -> None:
        if await get(self.api, PODS, NAMESPACE, pod):
            await merge(self.api, PODS, NAMESPACE, f"{pod}/status", {"status": status})

    async def _end(self, job: str) -> None:
        """Delete a Job's pods, as the garbage collector does, and end what runs in them."""
        pods, _ = await list_all(self.api, PODS, NAMESPACE, labels=f"batch.kubernetes.io/job-name={job}")
        for pod in pods:
            name = pod["metadata"]["name"]
            await delete(self.api, PODS, NAMESPACE, name)
            process = self.processes.get(name)
            if process and process.returncode is None:
                process.kill()


def _pod(job: dict[str, Any], index: int) -> dict[str, Any]:
    """As the Job controller makes them."""
    template, name = job["spec"]["template"], job["metadata"]["name"]
    spec = json.loads(json.dumps(template["spec"]))
    own = {"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": INDEX_PATH}}}
    spec["containers"][0]["env"].append(own)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{index}-abcde",
            "labels": {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": name},
            "annotations": {INDEX: str(index)},
        },
        "spec": spec,
    }


def _value(entry: dict[str, Any], pod: dict[str, Any]) -> str:
    if entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath") == INDEX_PATH:
        return str(pod["metadata"]["annotations"][INDEX])
    return str(entry["value"])


def away(app: Any, times: int) -> Any:
    """An API server that is away for the first so many lists of pods."""
    left = times

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        nonlocal left
        if left and scope["type"] == "http" and scope["method"] == "GET" and scope["path"].endswith("/pods"):
            left -= 1
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return answer


@asynccontextmanager
async def job_cluster(folder: Path, mishaps: Mishaps | None = None) -> AsyncIterator[JobCluster]:
    """Runs until the block ends."""
    folder.mkdir()
    logs: dict[str, Log] = {}

    def source(pod: dict[str, Any], container: str, follow: bool) -> AsyncIterator[bytes]:
        assert container == "load"
        return logs[pod["metadata"]["uid"]].read(follow)

    mishaps = mishaps or Mishaps()
    store = Store(RealClock(), random.Random(3))
    bootstrap.install(store)
    tokens = Tokens()
    tokens.add("admin", ADMIN)
    identity = tls_server.Identity.create(folder)
    async with tls_server.serve(
        away(create_app(store, tokens, Hooks(logs=source)), mishaps.blind), identity
    ) as address:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_bytes(tls_server.kubeconfig(address, identity.authority_pem, "admin"))
        api = await connect(str(kubeconfig))
        cluster = JobCluster(folder, mishaps, kubeconfig, api, logs)
        control = asyncio.create_task(cluster.control())
        try:
            yield cluster
        finally:
            control.cancel()
            await asyncio.gather(control, return_exceptions=True)
            for process in cluster.processes.values():
                if process.returncode is None:
                    process.kill()
                await process.wait()
            await api.close()
