"""The version matrix: which releases go together, where they come from, and in which order they are installed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from conformance.base.errors import UsageError, nearest

FILE: Final = Path(__file__).parent / "versions.yaml"
_RELEASES: Final = ("kserve", "knative", "kourier", "net_istio", "cert_manager", "metrics_server")


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """New entries of a ConfigMap: `data` as they are, `json` merged into the JSON that an entry holds."""

    namespace: str
    config_map: str
    data: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstallStep:
    """One component of an installation."""

    name: str
    namespaces: tuple[str, ...] = ()
    """Made first, where the manifests expect them and hold none."""
    manifests: tuple[str, ...] = ()
    """URLs."""
    settings: tuple[ConfigChange, ...] = ()
    restart: tuple[tuple[str, str], ...] = ()
    """Namespace and name of Deployments that read their configuration only at start."""
    arguments: tuple[str, ...] = ()
    """Added to those of every container that the manifests' Deployments start."""
    api_service: str = ""
    """Name of the APIService that the step brings; where there is one already, it is waited for."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """Releases that go together."""

    name: str
    kserve: str
    knative: str
    kourier: str
    net_istio: str
    cert_manager: str
    metrics_server: str
    node_image: str
    k3s_image: str


@dataclass(frozen=True, slots=True)
class KindTool:
    """The kind command line tool this suite is written for."""

    version: str
    url: str
    sha256: Mapping[str, str]


@cache
def _table() -> dict[str, Any]:
    value = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


def names() -> tuple[str, ...]:
    """Rows of the matrix."""
    return tuple(_table()["rows"])


def row(name: str) -> VersionRow:
    """One row. Raises UsageError with what is known."""
    rows = _table()["rows"]
    if name not in rows:
        raise UsageError(f"install.kserve {name!r}; {nearest(name, rows)}")
    return VersionRow(name=name, **rows[name])


def steps(chosen: VersionRow, layer: str) -> tuple[InstallStep, ...]:
    """What every cluster gets, in order, for a network layer."""
    return tuple(
        _step(entry, chosen)
        for entry in _table()["steps"]
        if entry.get("layer", layer) == layer and "profiles" not in entry
    )


def profile_steps(chosen: VersionRow, profiles: Collection[str]) -> tuple[InstallStep, ...]:
    """What some of the profiles need besides."""
    return tuple(_step(entry, chosen) for entry in _table()["steps"] if {*entry.get("profiles", ())} & {*profiles})


def _step(entry: Mapping[str, Any], chosen: VersionRow) -> InstallStep:
    versions = {name: getattr(chosen, name) for name in _RELEASES}
    return InstallStep(
        name=entry["name"],
        namespaces=tuple(entry.get("namespaces", ())),
        manifests=tuple(url.format(**versions) for url in entry.get("manifests", ())),
        settings=tuple(ConfigChange(**change) for change in entry.get("settings", ())),
        restart=tuple((place["namespace"], place["deployment"]) for place in entry.get("restart", ())),
        arguments=tuple(entry.get("arguments", ())),
        api_service=entry.get("api_service", ""),
    )


def kind() -> KindTool:
    """The pinned kind."""
    return KindTool(**_table()["kind"])


def device_plugin(name: str) -> tuple[str, str]:
    """URL and version of a device plugin."""
    entry = _table()["device_plugins"][name]
    return str(entry["url"]), str(entry["version"])


def digests() -> Mapping[str, str]:
    """Known sha256 by URL."""
    known = _table()["digests"]
    assert isinstance(known, dict)
    return known
