"""The kind command line, one function per use. Flags and answers are those of kind v0.30.0."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clusters import versions
from clusters.process import find, run
from conformance.base.errors import PlatformError

QUICK_SECONDS: Final = 60.0
LOAD_SECONDS: Final = 600.0
WAIT_SECONDS: Final = 180
"""For the control plane, given to kind itself; its own limit comes on top."""


@dataclass(frozen=True, slots=True)
class KindCli:
    """A kind binary and the environment it runs in."""

    path: str
    environ: Mapping[str, str] | None = None

    async def version(self) -> str:
        """`kind v0.30.0 go1.24.6 linux/amd64` gives `v0.30.0`."""
        done = await run([self.path, "version"], within=QUICK_SECONDS, environ=self.environ)
        words = done.stdout.split()
        return words[1] if len(words) > 1 else done.stdout.strip()

    async def clusters(self) -> tuple[str, ...]:
        """Names, one a line; without clusters it says so on stderr and nothing on stdout."""
        done = await run([self.path, "get", "clusters"], within=QUICK_SECONDS, environ=self.environ)
        return tuple(done.stdout.split())

    async def nodes(self, name: str) -> tuple[str, ...]:
        """Container names of a cluster's nodes."""
        done = await run([self.path, "get", "nodes", "--name", name], within=QUICK_SECONDS, environ=self.environ)
        return tuple(done.stdout.split())

    async def create(self, name: str, config: Path, image: str, kubeconfig: Path, within: float) -> None:
        """Create and wait for the control plane; a failed cluster stays for its logs."""
        options = ["--name", name, "--config", str(config), "--image", image, "--kubeconfig", str(kubeconfig)]
        wait = ["--wait", f"{WAIT_SECONDS}s", "--retain"]
        await run([self.path, "create", "cluster", *options, *wait], within=within, environ=self.environ)

    async def kubeconfig(self, name: str) -> str:
        """The kubeconfig of a cluster, as text."""
        done = await run([self.path, "get", "kubeconfig", "--name", name], within=QUICK_SECONDS, environ=self.environ)
        return done.stdout

    async def load_archive(self, name: str, archive: Path) -> None:
        """Load the images of a tar file into all nodes."""
        argv = [self.path, "load", "image-archive", str(archive), "--name", name]
        await run(argv, within=LOAD_SECONDS, environ=self.environ)

    async def load_image(self, name: str, image: str) -> None:
        """Load an image of the local Docker into all nodes."""
        argv = [self.path, "load", "docker-image", image, "--name", name]
        await run(argv, within=LOAD_SECONDS, environ=self.environ)

    async def export_logs(self, name: str, folder: Path) -> None:
        """Write all logs into a folder. A cluster that did not come up may have none to give."""
        argv = [self.path, "export", "logs", str(folder), "--name", name]
        await run(argv, within=LOAD_SECONDS, environ=self.environ, check=False)

    async def delete(self, name: str, kubeconfig: Path) -> None:
        """Delete a cluster; naming our kubeconfig keeps kind away from the user's."""
        argv = [self.path, "delete", "cluster", "--name", name, "--kubeconfig", str(kubeconfig)]
        await run(argv, within=LOAD_SECONDS, environ=self.environ)


def find_kind(environ: Mapping[str, str] | None = None) -> KindCli:
    """kind from the variable KIND, else from PATH. Never downloads it.

    Raises PlatformError with where to get the pinned version and its checksum."""
    values = os.environ if environ is None else environ
    path = find("kind", "KIND", values)
    if path is not None:
        return KindCli(path, environ)
    pinned = versions.kind()
    system = f"{platform.system().lower()}-{_architecture()}"
    named = f"KIND={values['KIND']} is not a program; " if values.get("KIND") else ""
    digest = pinned.sha256.get(system)
    raise PlatformError(
        f"{named}cluster kind needs the kind command line tool {pinned.version}, set KIND or put it on PATH: "
        f"{pinned.url.format(platform=system)} (sha256 {digest or 'on the release page'})"
    )


def _architecture() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
