"""The docker command line, as far as image building, pushing and nodes need it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clusters.process import find, run
from conformance.base.errors import PlatformError

QUICK_SECONDS: Final = 60.0
BUILD_SECONDS: Final = 900.0
_ACCOUNTS: Final = ("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpuacct/cpuacct.usage")
"""As a container sees its own control group, version 2 and version 1; only one is there."""
_UNITS: Final = {"usage_usec": 1e-6, "": 1e-9}


@dataclass(frozen=True, slots=True)
class ContainerCli:
    """A docker client and the environment it runs in."""

    path: str
    environ: Mapping[str, str] | None = None

    async def server(self) -> str:
        """Version of the daemon. Raises PlatformError when there is none."""
        argv = [self.path, "info", "--format", "{{.ServerVersion}}"]
        done = await run(argv, within=QUICK_SECONDS, environ=self.environ, check=False)
        if done.code != 0 or not done.stdout.strip():
            raise PlatformError(f"{Path(self.path).name} has no running daemon: {done.tail}; start it")
        return done.stdout.strip()

    async def has(self, image: str) -> bool:
        """Whether an image is there."""
        argv = [self.path, "image", "inspect", "--format", "{{.Id}}", image]
        return (await run(argv, within=QUICK_SECONDS, environ=self.environ, check=False)).code == 0

    async def pull(self, image: str) -> None:
        """Pull an image. Raises PlatformError with what the registry said."""
        await run([self.path, "pull", "--quiet", image], within=BUILD_SECONDS, environ=self.environ)

    async def tag(self, image: str, reference: str) -> None:
        """Give an image another name."""
        await run([self.path, "tag", image, reference], within=QUICK_SECONDS, environ=self.environ)

    async def untag(self, reference: str) -> None:
        """Take a name away from an image that has others; one that is not there stays unmentioned."""
        argv = [self.path, "image", "rm", "--no-prune", reference]
        await run(argv, within=QUICK_SECONDS, environ=self.environ, check=False)

    async def digests(self, image: str) -> tuple[str, ...]:
        """The names with digest, `repository@sha256:…`, under which an image is known; none where it is not there."""
        argv = [self.path, "image", "inspect", "--format", "{{json .RepoDigests}}", image]
        done = await run(argv, within=QUICK_SECONDS, environ=self.environ, check=False)
        return tuple(json.loads(done.stdout or "[]") or ()) if done.code == 0 else ()

    async def build(self, dockerfile: Path, tag: str, folder: Path) -> None:
        """Build an image from what is in a folder."""
        argv = [self.path, "build", "--file", str(dockerfile), "--tag", tag, str(folder)]
        await run(argv, within=BUILD_SECONDS, environ=self.environ)

    async def push(self, image: str, reference: str) -> str:
        """Push under another name; returns the digest, `sha256:…`. Raises PlatformError when it gets none."""
        await self.tag(image, reference)
        try:
            await run([self.path, "push", "--quiet", reference], within=BUILD_SECONDS, environ=self.environ)
            known = await self.digests(reference)
        finally:
            # The registry's port is another one each time: its names would pile up.
            await self.untag(reference)
        repository = reference.rpartition(":")[0]
        for entry in known:
            name, _, digest = entry.partition("@")
            if name == repository:
                return digest
        raise PlatformError(f"{reference} has no digest after its push")

    async def execute(self, container: str, argv: Sequence[str], stdin: bytes | None = None) -> None:
        """Run a program in a container."""
        options = ["--interactive"] if stdin is not None else []
        command = [self.path, "exec", *options, container, *argv]
        await run(command, within=BUILD_SECONDS, environ=self.environ, stdin=stdin)

    async def node_images(self, container: str) -> Mapping[str, frozenset[str]]:
        """Names, with tag and with digest, of the images in a node, by id; nothing where it cannot be asked."""
        argv = [self.path, "exec", container, "crictl", "images", "--output", "json"]
        done = await run(argv, within=QUICK_SECONDS, environ=self.environ, check=False)
        rows = json.loads(done.stdout)["images"] if done.code == 0 else []
        return {row["id"]: frozenset((*(row.get("repoTags") or ()), *(row.get("repoDigests") or ()))) for row in rows}

    async def cpu_seconds(self, container: str) -> float:
        """What a container has spent so far, by its own control group of either version. Raises PlatformError."""
        argv = [self.path, "exec", container, "cat", *_ACCOUNTS]
        done = await run(argv, within=QUICK_SECONDS, environ=self.environ, check=False)
        for line in done.stdout.splitlines():
            name, _, value = line.rpartition(" ")
            if name in _UNITS and value.isdecimal():
                return int(value) * _UNITS[name]
        raise PlatformError(f"{container} keeps no account of its CPU: {done.tail}")

    async def port(self, container: str, port: int) -> str:
        """host:port where a container's port is published, as the daemon's machine reaches it."""
        argv = [self.path, "port", container, f"{port}/tcp"]
        done = await run(argv, within=QUICK_SECONDS, environ=self.environ)
        lines = done.stdout.split()
        if not lines:
            raise PlatformError(f"port {port} of {container} is not published")
        return lines[0].replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "127.0.0.1:")

    async def address(self, container: str, network: str) -> str:
        """Address of a container in a network; pods cannot resolve container names everywhere."""
        form = f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}'
        argv = [self.path, "container", "inspect", "--format", form, container]
        return (await run(argv, within=QUICK_SECONDS, environ=self.environ)).stdout.strip()


def find_containers(environ: Mapping[str, str] | None = None) -> ContainerCli:
    """docker from the variable DOCKER, else from PATH. Raises PlatformError when there is none."""
    values = os.environ if environ is None else environ
    path = find("docker", "DOCKER", values)
    if path is None:
        named = f"DOCKER={values['DOCKER']} is not a program; " if values.get("DOCKER") else ""
        raise PlatformError(f"{named}clusters kind and k3s need Docker; install it, or take CLUSTER=embedded")
    return ContainerCli(path, environ)
