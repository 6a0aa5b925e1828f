"""Puts a documented manifest on a cluster, waits until it serves, and always takes it away again."""

from __future__ import annotations

import json
import math
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import yaml

from conformance.base import bounded_yaml
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError, UsageError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import INFERENCE_SERVICES, NAMESPACES, Resource
from conformance.kube.verbs import ApiStatus, Object, apply, create, delete, get, list_all, merge
from conformance.settings.settings import NAMESPACE_PREFIX

SUITE_LABEL: Final = "conformance.serving/suite"
RUN_LABEL: Final = "conformance.serving/run"
OWNER_ANNOTATION: Final = "conformance.serving/owner"
SUITE: Final = "serving-conformance"

MOST_PID: Final = 2**31 - 1

CONFLICT: Final = 409

POLL_SECONDS: Final = 0.5

TEARDOWN_SECONDS: Final = 20.0
"""After the last scenario; what is still there then is reported as left over. A run that takes longer than half a
minute to end is one that people interrupt, and Kubernetes goes on with what it was asked for."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """An InferenceService on the cluster."""

    namespace: str
    name: str
    url: str


def namespace_name(run: str, scenario: str, prefix: str = NAMESPACE_PREFIX) -> str:
    """At most 63 characters, unique per run and scenario; never contains `-default`, which KServe treats specially."""
    tail = re.sub(r"[^a-z0-9]+", "", run)[-8:]
    return f"{prefix}-{tail}-{scenario}"[:63].rstrip("-")


def owner(deadline_wall: float) -> str:
    """Who may still be using a namespace: host, process and a time after which nobody is."""
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "until": round(deadline_wall)})


def abandoned(annotation: str | None, now_wall: float) -> bool:
    """Whether the run that owns a namespace is over: past its deadline, or its process on this host is gone."""
    try:
        value = json.loads(annotation or "")
        until, host, pid = float(value["until"]), value["host"], int(value["pid"])
    except (ArithmeticError, ValueError, KeyError, TypeError):
        return False
    if now_wall > until:
        return True
    if host != socket.gethostname() or pid == os.getpid() or not 0 < pid <= MOST_PID:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


async def make_namespace(
    api: ApiClient, name: str, run: str, deadline_wall: float, labels: Mapping[str, str] | None = None
) -> None:
    """A labelled namespace. Whoever makes it takes it away: `Teardown`, or `namespace` around a block."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {**(labels or {}), SUITE_LABEL: SUITE, RUN_LABEL: run},
            "annotations": {OWNER_ANNOTATION: owner(deadline_wall)},
        },
    }
    await create(api, NAMESPACES, body)


@asynccontextmanager
async def namespace(
    api: ApiClient, name: str, run: str, deadline_wall: float, labels: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """A labelled namespace that is deleted at the end, whatever happens inside. Its disappearance is not awaited, and a
    server that cannot be reached any more does not hide what happened inside."""
    await make_namespace(api, name, run, deadline_wall, labels)
    try:
        yield name
    finally:
        with suppress(PlatformError):
            await remove(api, name, run)


async def remove(api: ApiClient, name: str, run: str) -> bool:
    """Ask for the deletion of a run's namespace; one of that name that is somebody else's is left alone. Says whether
    there is one to wait for."""
    found = await _own(api, name, run)
    if found is None:
        return False
    try:
        return await delete(api, NAMESPACES, None, name, uid=found["metadata"].get("uid"))
    except ApiStatus as status:
        if status.status == CONFLICT:
            return False
        raise


async def is_ours(api: ApiClient, name: str, run: str) -> bool:
    """Whether there is a namespace of that name and the run made it."""
    return await _own(api, name, run) is not None


async def _own(api: ApiClient, name: str, run: str) -> Object | None:
    found = await get(api, NAMESPACES, None, name)
    ours = found is not None and _labels(found).items() >= {SUITE_LABEL: SUITE, RUN_LABEL: run}.items()
    return found if ours else None


async def keep(api: ApiClient, name: str, run: str) -> bool:
    """Leave a run's namespace to its user: no later run takes it for one that was left behind. False where there is
    none, or it is somebody else's."""
    if not await is_ours(api, name, run):
        return False
    await merge(api, NAMESPACES, None, name, {"metadata": {"annotations": {OWNER_ANNOTATION: None}}})
    return True


def _labels(item: Object) -> Mapping[str, str]:
    found = item["metadata"].get("labels")
    return found if isinstance(found, dict) else {}


async def gone(api: ApiClient, name: str, clock: Clock, within: float = math.inf) -> bool:
    """Wait for a deleted namespace to vanish."""
    end = clock.monotonic() + within
    while await get(api, NAMESPACES, None, name) is not None:
        if clock.monotonic() >= end:
            return False
        await clock.sleep(POLL_SECONDS)
    return True


async def sweep(api: ApiClient, now_wall: float) -> tuple[str, ...]:
    """Delete namespaces that runs of this suite left behind, and nothing else; returns their names.

    The labels are looked at again, so that a server without selectors does not have it delete everything."""
    items, _ = await list_all(api, NAMESPACES, labels=f"{SUITE_LABEL}={SUITE}")
    removed = []
    for item in items:
        metadata = item["metadata"]
        labels = _labels(item)
        if "deletionTimestamp" in metadata or labels.get(SUITE_LABEL) != SUITE or not labels.get(RUN_LABEL):
            continue
        if abandoned((metadata.get("annotations") or {}).get(OWNER_ANNOTATION), now_wall):
            await delete(api, NAMESPACES, None, metadata["name"], uid=metadata.get("uid"))
            removed.append(metadata["name"])
    return tuple(removed)


def manifest_name(manifest: bytes) -> str:
    """Name of the InferenceService in a manifest. Raises UsageError when there is not exactly one."""
    try:
        documents = [value for value in bounded_yaml.load_all(manifest) if value is not None]
    except yaml.YAMLError as error:
        raise UsageError(f"the manifest is not YAML: {error}") from error
    if len(documents) != 1 or not isinstance(documents[0], dict) or documents[0].get("kind") != "InferenceService":
        raise UsageError("a manifest holds exactly one InferenceService")
    try:
        return str(documents[0]["metadata"]["name"])
    except (KeyError, TypeError) as error:
        raise UsageError("the manifest has no metadata.name") from error


async def deploy(api: ApiClient, space: str, manifest: bytes) -> Object:
    """Apply a manifest's own bytes; returns the object as admitted. Raises ApiStatus when it is refused."""
    return await apply(api, INFERENCE_SERVICES, space, manifest_name(manifest), manifest)


def without_namespace(value: Mapping[str, Any]) -> dict[str, Any]:
    """An object that goes wherever it is put."""
    return {**value, "metadata": {key: entry for key, entry in value["metadata"].items() if key != "namespace"}}


async def put(api: ApiClient, resource: Resource, space: str | None, value: dict[str, Any]) -> None:
    """Create something a scenario needs beside its manifest; one that is there already is taken over."""
    name = value["metadata"]["name"]
    try:
        await apply(api, resource, space, name, json.dumps(value).encode(), force=True)
    except ApiStatus as status:
        raise PlatformError(f"cannot create {resource.kind} {name}: {status}") from status
