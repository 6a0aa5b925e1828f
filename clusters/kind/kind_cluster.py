"""The bare kind cluster: made for a run and deleted after it, or found, reused and left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from clusters import versions
from clusters.images.container_cli import ContainerCli
from clusters.images.local_images import node_image
from clusters.kind.cli import KindCli
from conformance.base.announcements import announce, announced
from conformance.base.clock import Clock
from conformance.base.errors import ConformanceError, PlatformError
from conformance.settings.settings import Settings

FOLDER: Final = Path(__file__).parent
DELETE_SECONDS: Final = 120.0
POLL_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 10.0
"""How long no node may appear after an interrupted creation: Docker finishes the containers it was asked for, although
the one who asked is gone."""


def removal(name: str) -> str:
    """The command for people who have to do it themselves."""
    return f"remove it with: kind delete cluster --name {name}"


def kind_cluster(
    kind: KindCli, docker: ContainerCli, settings: Settings, clock: Clock, kubeconfig: Path, *, reused: bool
) -> AbstractAsyncContextManager[None]:
    """A cluster for the block, its kubeconfig written to a file."""
    return (_found if reused else _made)(kind, docker, settings, clock, kubeconfig)


@asynccontextmanager
async def _found(
    kind: KindCli, docker: ContainerCli, settings: Settings, clock: Clock, kubeconfig: Path
) -> AsyncIterator[None]:
    """Raises PlatformError for a cluster that was never finished."""
    del docker, clock
    name = settings.install.cluster_name
    try:
        text = await kind.kubeconfig(name)
    except PlatformError as error:
        raise PlatformError(
            f"kind cluster {name} is there but gives no kubeconfig, since it was never finished or its control plane "
            f"is stopped ({error}); {removal(name)}, or set install.cluster_name to another name"
        ) from error
    kubeconfig.touch(0o600)
    kubeconfig.write_text(text, encoding="utf-8")
    announce(f"kind cluster {name} is reused")
    yield


@asynccontextmanager
async def _made(
    kind: KindCli, docker: ContainerCli, settings: Settings, clock: Clock, kubeconfig: Path
) -> AsyncIterator[None]:
    """Deleted at the end as `install.keep` says."""
    install = settings.install
    image = await node_image(docker, install.node_image or versions.row(install.kserve).node_image, clock)
    failed, created, there = True, False, False
    try:
        try:
            with announced(f"creating kind cluster {install.cluster_name} from {image.partition('@')[0]}", clock):
                await _create(kind, settings, image, kubeconfig)
            created = True
            yield
            failed = False
        except ConformanceError:
            there = await _nodes_there(kind, install.cluster_name, clock, settled=created)
            if there:
                await _export(kind, settings)
            raise
    except asyncio.CancelledError:
        # Whoever interrupts a run wants it gone, not kept for its logs; also while those are written.
        failed = False
        if install.keep != "always":
            announce(f"if deleting the cluster is cut short, {removal(install.cluster_name)}")
        raise
    finally:
        if install.keep == "never" or (install.keep == "on-failure" and not failed):
            with announced(f"deleting kind cluster {install.cluster_name}", clock):
                await delete(kind, install.cluster_name, kubeconfig, clock, settled=created)
        # What is known already is not asked for again: an interruption then would leave the cluster and say nothing.
        elif created or there or await kind.nodes(install.cluster_name):
            announce(f"kind cluster {install.cluster_name} is kept; {removal(install.cluster_name)}")


async def _create(kind: KindCli, settings: Settings, image: str, kubeconfig: Path) -> None:
    config = FOLDER / f"{ {'real': 'gpu-real', 'none': 'cpu'}.get(settings.gpu or '', 'gpu-emulated') }.yaml"
    within = settings.timeouts.install_timeout_seconds
    await kind.create(settings.install.cluster_name, config, image, kubeconfig, within)


async def _nodes_there(kind: KindCli, name: str, clock: Clock, *, settled: bool) -> bool:
    """Whether there are nodes; unless creation had `settled`, also those that Docker makes after kind was stopped."""
    end = clock.monotonic() + (0.0 if settled else SETTLE_SECONDS)
    while not (nodes := await kind.nodes(name)) and clock.monotonic() < end:
        await clock.sleep(POLL_SECONDS)
    return bool(nodes)


async def _export(kind: KindCli, settings: Settings) -> None:
    """Keep the nodes' logs."""
    name = settings.install.cluster_name
    folder = Path(settings.reports).parent / "logs" / name
    await kind.export_logs(name, folder)
    announce(f"logs of kind cluster {name} are in {folder}")


async def delete(kind: KindCli, name: str, kubeconfig: Path, clock: Clock, *, settled: bool) -> None:
    """Delete until no node is left, and unless creation had `settled` none has come for a while.

    Raises PlatformError with the nodes that stay."""
    begun = quiet = clock.monotonic()
    reason: PlatformError | None = None
    first = True
    while (nodes := await kind.nodes(name)) or first or (not settled and clock.monotonic() < quiet + SETTLE_SECONDS):
        if clock.monotonic() > begun + DELETE_SECONDS:
            raise PlatformError(
                f"kind cluster {name}: {', '.join(nodes)} still there after {DELETE_SECONDS:g} s; {removal(name)}"
            ) from reason
        if nodes or first:
            quiet, first = clock.monotonic(), False
            try:
                await kind.delete(name, kubeconfig)
            except PlatformError as error:
                # A container that is only just coming into being cannot be deleted yet.
                reason = error
                await clock.sleep(POLL_SECONDS)
        else:
            await clock.sleep(POLL_SECONDS)
