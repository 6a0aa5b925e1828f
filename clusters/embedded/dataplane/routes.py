"""What the ingress knows: which hosts lead to which revisions, and where each revision's requests go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from clusters.embedded.dataplane.revision import RevisionKey


@dataclass(frozen=True, slots=True)
class Split:
    """A share of a host's requests."""

    revision: RevisionKey
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Backends:
    """The public service of a revision."""

    ready: tuple[str, ...] = ()
    """Addresses of the queue-proxies of its ready pods, `ip:port`."""
    proxy: bool = True
    """Activators in the path (mode Proxy of the ServerlessService) also while there are ready pods."""
    activated: bool = True
    """Whether activators know of it at all: without Knative there are none, and no ready pod is no backend."""


NO_BACKENDS: Final = Backends()


def unwatched() -> None:
    """Nobody wants to know of changes."""


class Routes:
    """Hosts to revisions. A host belongs to the owner that published it last."""

    def __init__(self, changed: Callable[[], None] = unwatched) -> None:
        """`changed` is called after every change."""
        self._changed = changed
        self._splits: dict[str, tuple[Split, ...]] = {}
        self._owners: dict[str, str] = {}
        self._hosts: dict[str, tuple[str, ...]] = {}

    def publish(self, owner: str, hosts: Iterable[str], splits: Iterable[Split]) -> None:
        """Make exactly these hosts of `owner` lead to these revisions."""
        self._withdraw(owner)
        names = tuple(dict.fromkeys(host.lower() for host in hosts))
        shares = tuple(split for split in splits if split.percent > 0)
        self._hosts[owner] = names
        for name in names:
            self._splits[name] = shares
            self._owners[name] = owner
        self._changed()

    def withdraw(self, owner: str) -> None:
        """Forget an owner's hosts."""
        self._withdraw(owner)
        self._changed()

    def hosts(self) -> Mapping[str, tuple[Split, ...]]:
        """All hosts and the revisions behind them."""
        return self._splits

    def _withdraw(self, owner: str) -> None:
        for name in self._hosts.pop(owner, ()):
            if self._owners.get(name) == owner:
                del self._owners[name], self._splits[name]

    def find(self, host: str) -> tuple[Split, ...]:
        """The revisions behind a Host header, port and case apart; empty when nobody has it."""
        splits = self._splits.get(host)
        if splits is None:
            splits = self._splits.get(host.lower().partition(":")[0], ())
        return splits


class Endpoints:
    """Revisions to what is behind their public service."""

    def __init__(self, changed: Callable[[], None] = unwatched) -> None:
        """`changed` is called after every change."""
        self._changed = changed
        self._backends: dict[RevisionKey, Backends] = {}

    def publish(self, revision: RevisionKey, backends: Backends) -> None:
        self._backends[revision] = backends
        self._changed()

    def withdraw(self, revision: RevisionKey) -> None:
        self._backends.pop(revision, None)
        self._changed()

    def revisions(self) -> Iterable[RevisionKey]:
        """All revisions with an entry."""
        return self._backends.keys()

    def find(self, revision: RevisionKey) -> Backends:
        """Without an entry: activators."""
        return self._backends.get(revision, NO_BACKENDS)


def service_hosts(name: str, namespace: str, domain: str, *, cluster_local: bool = False) -> tuple[str, ...]:
    """All hosts of a Knative Service or Kubernetes Service: inside names, and the outside one unless it is
    `cluster_local`."""
    inside = tuple(f"{name}.{namespace}{suffix}" for suffix in ("", ".svc", ".svc.cluster.local"))
    return inside if cluster_local else (*inside, f"{name}.{namespace}.{domain}")
