"""A run in a cluster's Job, and its way out: manifests that a platform takes, and rights that are just enough."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.embedded.api.auth import account_groups
from clusters.embedded.api.request import User
from clusters.embedded.platform import Platform
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.errors import PlatformError, UsageError
from conformance.base.locations import ROOT
from conformance.cli.fetch_command import fetch
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.resources import CONFIG_MAPS, EVENTS, PODS, Resource
from conformance.kube.verbs import ApiStatus, apply, create, delete, get, list_all, merge
from conformance.recording.archive import packed
from conformance.run import stored_results
from conformance.run.job_start import held_up
from conformance.run.stored_results import JOBS, Owner, awaited, collected, newest, store, stored

EXISTING = ROOT / "clusters" / "existing"
ACCOUNT = "system:serviceaccount:default:conformance"
DAY = "2099-11-30T12:00:"
RBAC = "rbac.authorization.k8s.io"
KINDS = {
    "ServiceAccount": Resource("", "v1", "serviceaccounts", "ServiceAccount"),
    "Role": Resource(RBAC, "v1", "roles", "Role"),
    "RoleBinding": Resource(RBAC, "v1", "rolebindings", "RoleBinding"),
    "ClusterRole": Resource(RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False),
    "ClusterRoleBinding": Resource(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    "Job": JOBS,
}


@asynccontextmanager
async def cluster_with_the_job() -> AsyncIterator[tuple[InProcessClient, InProcessClient, Owner]]:
    """(administrator, the Job's account, the Job) on a platform to which role.yaml and job.yaml were applied."""
    async with Platform(virtual_clock(), 5) as platform:
        admin = InProcessClient(platform.app, platform.token)
        for name in ("role.yaml", "job.yaml"):
            for value in yaml.safe_load_all((EXISTING / name).read_text("utf-8")):
                kind, metadata = KINDS[value["kind"]], value["metadata"]
                await apply(admin, kind, metadata.get("namespace"), metadata["name"], yaml.safe_dump(value).encode())
        platform.tokens.add("account", User(ACCOUNT, account_groups(ACCOUNT), "uid"))
        job = await get(admin, JOBS, "default", "conformance")
        assert job is not None
        yield admin, InProcessClient(platform.app, "account"), Owner("default", "conformance", job["metadata"]["uid"])


def run_folder(folder: Path) -> Path:
    """Enough of one, in three parts."""
    run = folder / "20261130-120000-abcd"
    (run / "recording").mkdir(parents=True)
    (run / "run.json").write_text("{}")
    (run / "report.html").write_text("<!doctype html>")
    (run / "recording" / "load-0.rows").write_bytes(bytes(range(256)) * 40)
    return run


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_results, "PART_BYTES", 200)


@pytest.mark.usefixtures("small_parts")
def test_what_a_job_kept_is_fetched_with_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_folder(tmp_path)

    async def main() -> tuple[int, list[dict[str, Any]]]:
        async with cluster_with_the_job() as (admin, account, owner):
            kept = await store(account, owner, run.name, 1, packed(run))
            assert len(kept.parts) > 1
            maps, _ = await list_all(admin, CONFIG_MAPS, "default", labels=f"{stored_results.OF}=conformance")
            code = await fetch(admin, replace(owner, uid=""), 0, tmp_path / "fetched", discarded=True)
            assert await stored(admin, owner) is None
            return code, maps

    code, maps = run_virtual(main())
    assert code == 1
    copy = tmp_path / "fetched" / run.name
    assert packed(copy) == packed(run)
    assert {one["metadata"]["ownerReferences"][0]["kind"] for one in maps} == {"Job"}
    out = capsys.readouterr().out
    assert f"report  {copy / 'report.html'}" in out
    assert out.endswith("result  failure (exit code 1)\n")


@pytest.mark.usefixtures("small_parts")
def test_a_run_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    run = run_folder(tmp_path)

    async def main() -> None:
        async with cluster_with_the_job() as (admin, account, owner):
            await store(account, owner, run.name, 0, packed(run))
            await fetch(admin, owner, 0, tmp_path)

    with pytest.raises(UsageError, match="is there already; move it, or name another folder with --reports"):
        run_virtual(main())


def test_the_account_may_make_config_maps_and_neither_read_nor_delete_them() -> None:
    async def main() -> list[int]:
        async with cluster_with_the_job() as (_, account, owner):
            await store(account, owner, "", 69, b"")
            found = []
            for forbidden in (
                get(account, CONFIG_MAPS, "default", "any"),
                delete(account, CONFIG_MAPS, "default", "any"),
                list_all(account, CONFIG_MAPS, "default"),
                create(account, CONFIG_MAPS, {"metadata": {"name": "x"}}, "kube-system"),
            ):
                with pytest.raises(ApiStatus) as caught:
                    await forbidden
                found.append(caught.value.status)
            return found

    assert run_virtual(main()) == [403, 403, 403, 403]


def test_a_run_that_recorded_nothing_says_where_its_reason_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> int:
        async with cluster_with_the_job() as (admin, account, owner):
            await store(account, owner, "", 69, b"")
            return await fetch(admin, owner, 0, tmp_path)

    assert run_virtual(main()) == 69
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nothing was recorded; kubectl logs --namespace default job/conformance says why"
    assert lines[1] == "result  the cluster could not be reached (exit code 69)"


def test_results_are_waited_for_as_long_as_the_job_may_still_bring_some() -> None:
    async def waited(within: float, change: dict[str, Any] | None) -> tuple[str, float]:
        async with cluster_with_the_job() as (admin, _, owner):
            clock = virtual_clock()
            if change is not None:
                await merge(admin, JOBS, "default", "conformance", {"status": change}, subresource="status")
            start = clock.monotonic()
            with pytest.raises(PlatformError) as caught:
                await awaited(admin, owner, clock, within)
            return str(caught.value), clock.monotonic() - start

    assert run_virtual(waited(0, None)) == (
        "job default/conformance has no results yet; --wait SECONDS waits for them",
        0.0,
    )
    text, seconds = run_virtual(waited(60, None))
    assert seconds == pytest.approx(60, abs=0.2)
    failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "active longer than 4 h"}
    target = {"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"}
    stamps = {"lastProbeTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    text, seconds = run_virtual(waited(60, {"conditions": [target | stamps, failed | stamps]}))
    assert text.startswith("job default/conformance ended without results (active longer than 4 h); kubectl logs")
    assert seconds == 0


async def pod_that_waits(admin: InProcessClient) -> None:
    """As a Job's controller, the scheduler and the kubelet leave them."""
    container = {"name": "conformance", "image": "x", "resources": {"requests": {"cpu": "1000"}}}
    labels = {"batch.kubernetes.io/job-name": "conformance"}
    pod = {"metadata": {"name": "conformance-7mkxn", "labels": labels}, "spec": {"containers": [container]}}
    await create(admin, PODS, pod, "default")
    await merge(admin, PODS, "default", "conformance-7mkxn", {"status": {"phase": "Pending"}}, subresource="status")


async def warn(admin: InProcessClient, name: str, reason: str, message: str, **times: str) -> None:
    about = {"kind": "Pod", "name": "conformance-7mkxn", "namespace": "default"}
    event = {"metadata": {"name": name}, "type": "Warning", "reason": reason, "message": message}
    await create(admin, EVENTS, {**event, "involvedObject": about, **times}, "default")


def test_a_pod_that_does_not_start_says_why_once() -> None:
    async def main() -> tuple[str, list[str]]:
        async with cluster_with_the_job() as (admin, _, owner):
            told: list[str] = []
            await pod_that_waits(admin)
            await warn(admin, "a", "FailedScheduling", "0/3 nodes: 2 Insufficient cpu.", eventTime=f"{DAY}05.000000Z")
            await warn(admin, "b", "FailedMount", 'configmap "s"\n not found', lastTimestamp=f"{DAY}04Z")
            with pytest.raises(PlatformError) as caught:
                await awaited(admin, owner, virtual_clock(), 30, told.append)
            return str(caught.value), told

    text, told = run_virtual(main())
    assert told == ["pod conformance-7mkxn has not started: FailedScheduling: 0/3 nodes: 2 Insufficient cpu."]
    assert text == f"job default/conformance has no results yet; {told[0]}"


def test_why_a_pod_does_not_start_is_left_out_where_nothing_says_so_or_nobody_may_look() -> None:
    async def main() -> list[str]:
        async with Platform(virtual_clock(), 5) as platform:
            admin, stranger = InProcessClient(platform.app, platform.token), InProcessClient(platform.app, "stranger")
            await pod_that_waits(admin)
            before = await held_up(admin, "default", "conformance")
            await warn(admin, "a", "FailedMount", 'configmap "s" not found', lastTimestamp=f"{DAY}04Z")
            return [before, *[await held_up(each, "default", "conformance") for each in (admin, stranger)]]

    seen = 'pod conformance-7mkxn has not started: FailedMount: configmap "s" not found'
    assert run_virtual(main()) == ["", seen, ""]


def test_a_job_that_is_not_there_is_one_line() -> None:
    async def main() -> None:
        async with cluster_with_the_job() as (admin, _, _):
            await awaited(admin, Owner("default", "other", ""), virtual_clock(), 60)

    with pytest.raises(PlatformError, match=r"^job default/other: there is none, and no results of one$"):
        run_virtual(main())


@pytest.mark.usefixtures("small_parts")
def test_changed_and_missing_parts_are_refused(tmp_path: Path) -> None:
    run = run_folder(tmp_path)

    async def main() -> list[str]:
        async with cluster_with_the_job() as (admin, account, owner):
            kept = await store(account, owner, run.name, 0, packed(run))
            await delete(admin, CONFIG_MAPS, "default", kept.parts[1])
            found = []
            for one in (kept, replace(kept, parts=kept.parts[:1])):
                with pytest.raises(PlatformError) as caught:
                    await collected(admin, owner, one)
                found.append(str(caught.value))
            return found

    gone, changed = run_virtual(main())
    assert gone.endswith("is gone")
    assert changed.endswith("they are not what the Job stored (sha256 differs)")


def test_a_run_too_large_for_config_maps_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_results, "MOST_PARTS", 0)

    async def main() -> None:
        async with cluster_with_the_job() as (_, account, owner):
            await store(account, owner, "run", 0, b"x")

    with pytest.raises(UsageError, match="mount a volume at the reports folder"):
        run_virtual(main())


def test_the_run_that_came_is_the_one_that_is_kept(tmp_path: Path) -> None:
    assert newest(tmp_path, frozenset()) is None
    run = run_folder(tmp_path)
    assert newest(tmp_path, frozenset()) == run
    assert newest(tmp_path, frozenset({run.name})) is None
