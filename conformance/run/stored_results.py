"""A run's folder kept in the cluster that it ran in, and fetched from there.

A Job's pod is gone before anybody looks, its log is cut at some megabytes, and a volume needs a storage class and a pod
to read it. So the folder is packed and kept in ConfigMaps, some hundred kilobytes each: they outlive the pod and its
node, go with the Job that owns them, and are read with the rights that look at any ConfigMap. A run of everything takes
about three megabytes. The one that says what the others hold comes last; without it nothing is fetched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError, UsageError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import CONFIG_MAPS, Resource
from conformance.kube.verbs import create, delete, get, list_all
from conformance.run.job_start import held_up

JOBS: Final = Resource("batch", "v1", "jobs", "Job")
PART_BYTES: Final = 700_000
"""A ConfigMap holds 1 MiB, and this is 934 kB as base64."""
MOST_PARTS: Final = 64
"""45 MB. etcd holds 2 GB by default, and everybody shares them."""
OF: Final = "serving-conformance/job"
"""Label with the Job's name."""
INDEX: Final = "index"
PART: Final = "part"
POLL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Owner:
    """The Job whose results they are, and with which they go. A `uid` is unknown outside of a cluster."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What a Job's run came to. `parts` are names of ConfigMaps in order; none where nothing was recorded."""

    run: str
    exit_code: int
    parts: tuple[str, ...]
    sha256: str


async def store(api: ApiClient, owner: Owner, run: str, exit_code: int, packed: bytes) -> Stored:
    """Keep a packed run folder. Raises UsageError for one that is too large, ApiStatus where the account may not."""
    if len(packed) > PART_BYTES * MOST_PARTS:
        raise UsageError(
            f"{run}: {len(packed) >> 20} MB are too much for ConfigMaps ({MOST_PARTS * PART_BYTES >> 20} MB): "
            "run parts of the suite (--only), or mount a volume at the reports folder"
        )
    pieces = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]
    prefix = f"{owner.name[:40]}-{owner.uid[:8]}"
    names = [f"{prefix}-{number}" for number in range(1, len(pieces) + 1)]
    for name, piece in zip(names, pieces, strict=True):
        await create(api, CONFIG_MAPS, _config_map(owner, name, {PART: _text(piece)}), owner.namespace)
    found = Stored(run, int(exit_code), tuple(names), hashlib.sha256(packed).hexdigest())
    index = {key: str(value) for key, value in asdict(found).items()} | {"parts": " ".join(names)}
    await create(api, CONFIG_MAPS, _config_map(owner, f"{prefix}-{INDEX}", {}, index), owner.namespace)
    return found


def _config_map(
    owner: Owner, name: str, binary: Mapping[str, str], data: Mapping[str, str] | None = None
) -> dict[str, Any]:
    reference = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": owner.name, "uid": owner.uid}
    metadata = {"name": name, "labels": {OF: owner.name}, "ownerReferences": [reference]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True,
            "binaryData": dict(binary), "data": dict(data or {})}  # fmt: skip


def _text(piece: bytes) -> str:
    return base64.b64encode(piece).decode("ascii")


async def awaited(
    api: ApiClient, owner: Owner, clock: Clock, within: float, tell: Callable[[str], None] = lambda _: None
) -> Stored:
    """What a Job stored, once it has; `tell` is given each reason for which its pod does not start. Raises
    PlatformError when there is no such Job, it ended without, or has not after `within` seconds."""
    end = clock.monotonic() + within
    told = ""
    while True:
        job = await get(api, JOBS, owner.namespace, owner.name)
        # Asked for after the Job, so that one that is over has stored all that it will.
        if (found := await stored(api, owner)) is not None:
            return found
        where = f"job {owner.namespace}/{owner.name}"
        if job is None:
            raise PlatformError(f"{where}: there is none, and no results of one")
        if over := _over(job):
            raise PlatformError(f"{where} ended without results ({over}); kubectl logs job/{owner.name} says more")
        reason = await held_up(api, owner.namespace, owner.name)
        if clock.monotonic() >= end:
            raise PlatformError(f"{where} has no results yet; {reason or '--wait SECONDS waits for them'}")
        if reason not in ("", told):
            tell(told := reason)
        await clock.sleep(min(POLL_SECONDS, max(0.1, end - clock.monotonic())))


def _over(job: Mapping[str, Any]) -> str:
    """How a Job ended; empty while it runs."""
    for entry in (job.get("status") or {}).get("conditions") or ():
        if entry.get("type") in ("Complete", "Failed") and entry.get("status") == "True":
            return str(entry.get("message") or entry.get("reason") or entry["type"])
    return ""


async def stored(api: ApiClient, owner: Owner) -> Stored | None:
    """The latest results under a Job's name; None where there are none."""
    items, _ = await list_all(api, CONFIG_MAPS, owner.namespace, labels=f"{OF}={owner.name}", fields="")
    listed = [entry for entry in items if "sha256" in (entry.get("data") or {})]
    if not listed:
        return None
    data = max(listed, key=lambda entry: str(entry["metadata"].get("creationTimestamp", "")))["data"]
    try:
        return Stored(str(data["run"]), int(data["exit_code"]), tuple(data["parts"].split()), str(data["sha256"]))
    except (KeyError, ValueError, AttributeError) as error:
        raise PlatformError(f"results of job {owner.name}: the index cannot be read: {error}") from error


async def collected(api: ApiClient, owner: Owner, found: Stored) -> bytes:
    """The packed folder. Raises PlatformError where a part is missing or the bytes are others than were stored."""
    packed = b""
    for name in found.parts[:MOST_PARTS]:
        part = await get(api, CONFIG_MAPS, owner.namespace, name)
        if part is None:
            raise PlatformError(f"results of job {owner.name}: ConfigMap {name} is gone")
        try:
            packed += base64.b64decode((part.get("binaryData") or {})[PART], validate=True)
        except (KeyError, TypeError, binascii.Error) as error:
            raise PlatformError(f"results of job {owner.name}: ConfigMap {name} holds no part of them") from error
    if hashlib.sha256(packed).hexdigest() != found.sha256:
        raise PlatformError(f"results of job {owner.name}: they are not what the Job stored (sha256 differs)")
    return packed


async def discard(api: ApiClient, owner: Owner) -> int:
    """Take away everything that was stored under a Job's name; returns how many ConfigMaps."""
    items, _ = await list_all(api, CONFIG_MAPS, owner.namespace, labels=f"{OF}={owner.name}")
    for entry in items:
        await delete(api, CONFIG_MAPS, owner.namespace, str(entry["metadata"]["name"]))
    return len(items)


def newest(reports: Path, known: frozenset[str]) -> Path | None:
    """The run folder that came to `reports` since; None where none did."""
    found = [path.parent for path in reports.glob("*/run.json") if path.parent.name not in known]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
