"""What the platform's tables say, as the files that Envoy watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Endpoints, Routes, Split
from clusters.embedded.programs import envoy_config


class EnvoyTables:
    """The platform's tables as an ingress needs them: hosts to revisions, revisions to ports on loopback."""

    def __init__(
        self,
        routes: Routes,
        endpoints: Endpoints,
        port: Callable[[str], int | None],
        activators: Sequence[str],
        changed: asyncio.Event,
    ) -> None:
        """`port` finds the port on loopback of a cluster address; `activators` are addresses; `changed` is set whenever
        routes or endpoints are not what they were."""
        self._routes = routes
        self._endpoints = endpoints
        self._port = port
        self._activators = tuple(activators)
        self.changed = changed

    def hosts(self) -> Mapping[str, Sequence[Split]]:
        """All hosts."""
        return self._routes.hosts()

    def behind(self) -> Mapping[RevisionKey, Sequence[int]]:
        """Where each revision's requests go: to its ready pods, or through activators."""
        routed = {split.revision for splits in self.hosts().values() for split in splits}
        return {revision: self._ports(revision) for revision in routed | set(self._endpoints.revisions())}

    def _ports(self, revision: RevisionKey) -> list[int]:
        backends = self._endpoints.find(revision)
        direct = not backends.activated or (bool(backends.ready) and not backends.proxy)
        found = (self._port(address) for address in (backends.ready if direct else self._activators))
        return [port for port in found if port is not None]


class EnvoyFiles:
    """Envoy's files in one folder, each replaced only when it would say something else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions: dict[str, int] = {}
        self._written: dict[str, bytes] = {}

    def write_backends(self, tables: EnvoyTables) -> int | None:
        """Write where revisions lead and which there are; the new version of the clusters, None when they stayed."""
        behind = tables.behind()
        for revision, ports in behind.items():
            self._write(envoy_config.endpoints_file(revision), partial(envoy_config.endpoints, revision, ports))
        return self._write(envoy_config.CLUSTERS, partial(envoy_config.clusters, behind, self._folder))

    def write_routes(self, tables: EnvoyTables) -> None:
        """Write which hosts there are."""
        hosts = tables.hosts()
        self._write(envoy_config.ROUTE_TABLE, partial(envoy_config.routes, hosts))

    def _write(self, name: str, build: Callable[[int], Mapping[str, Any]]) -> int | None:
        content = json.dumps(build(0)).encode()
        if self._written.get(name) == content:
            return None
        self._written[name] = content
        number = self._versions[name] = self._versions.get(name, 0) + 1
        # Envoy reads when a file is moved into place, never one that is half written.
        fresh = self._folder / f".{name}"
        fresh.write_text(json.dumps(build(number)), encoding="utf-8")
        fresh.replace(self._folder / name)
        return number
