"""Envoy's files follow the platform's tables, and change only when these say something else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Backends, Endpoints, Routes, Split
from clusters.embedded.programs import envoy_config
from clusters.embedded.programs.envoy_tables import EnvoyFiles, EnvoyTables

KEY = RevisionKey("ns", "model-00001")
PORTS = {"activator-0:8012": 1, "10.244.0.1:8012": 11, "10.244.0.2:8012": 12}


class Platform:
    """Tables with one host and one revision."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.routes = Routes(self.changed.set)
        self.endpoints = Endpoints(self.changed.set)
        self.tables = EnvoyTables(self.routes, self.endpoints, PORTS.get, ["activator-0:8012"], self.changed)

    def publish(self, *hosts: str) -> None:
        self.routes.publish("ns/model", hosts, [Split(KEY)])


@pytest.fixture
def platform() -> Platform:
    return Platform()


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_without_pods_requests_go_through_the_activators(platform: Platform) -> None:
    platform.publish("m.ns")
    assert platform.tables.behind() == {KEY: [1]}


def test_ready_pods_get_requests_directly_when_no_activator_is_in_the_path(platform: Platform) -> None:
    platform.endpoints.publish(KEY, Backends(("10.244.0.1:8012", "10.244.0.2:8012"), proxy=False))
    assert platform.tables.behind() == {KEY: [11, 12]}


def test_ready_pods_are_behind_the_activator_when_it_is_in_the_path(platform: Platform) -> None:
    platform.endpoints.publish(KEY, Backends(("10.244.0.1:8012",), proxy=True))
    assert platform.tables.behind() == {KEY: [1]}


def test_a_revision_that_activators_do_not_know_has_nothing_behind_it_without_pods(platform: Platform) -> None:
    platform.endpoints.publish(KEY, Backends((), proxy=False, activated=False))
    assert platform.tables.behind() == {KEY: []}


def test_a_pod_that_nobody_listens_for_any_more_is_left_out(platform: Platform) -> None:
    platform.endpoints.publish(KEY, Backends(("10.244.0.1:8012", "10.244.0.9:8012"), proxy=False))
    assert platform.tables.behind() == {KEY: [11]}


def test_every_change_of_the_tables_is_told(platform: Platform) -> None:
    changes: list[Callable[[], object]] = [
        lambda: platform.publish("m.ns"),
        lambda: platform.routes.withdraw("ns/model"),
        lambda: platform.endpoints.publish(KEY, Backends()),
        lambda: platform.endpoints.withdraw(KEY),
    ]
    for change in changes:
        platform.changed.clear()
        change()
        assert platform.changed.is_set()


def test_a_new_pod_changes_its_revisions_endpoints_alone(platform: Platform, tmp_path: Path) -> None:
    files = EnvoyFiles(tmp_path)
    platform.publish("m.ns")
    assert files.write_backends(platform.tables) == 1
    files.write_routes(platform.tables)
    platform.endpoints.publish(KEY, Backends(("10.244.0.1:8012",), proxy=False))
    assert files.write_backends(platform.tables) is None
    files.write_routes(platform.tables)
    assert read(tmp_path, envoy_config.endpoints_file(KEY))["version_info"] == "2"
    assert read(tmp_path, envoy_config.CLUSTERS)["version_info"] == "1"
    assert read(tmp_path, envoy_config.ROUTE_TABLE)["version_info"] == "1"


def test_a_new_host_changes_the_routes_alone(platform: Platform, tmp_path: Path) -> None:
    files = EnvoyFiles(tmp_path)
    platform.publish("m.ns")
    files.write_backends(platform.tables)
    files.write_routes(platform.tables)
    platform.publish("m.ns", "m.ns.example.com")
    assert files.write_backends(platform.tables) is None
    files.write_routes(platform.tables)
    assert read(tmp_path, envoy_config.ROUTE_TABLE)["version_info"] == "2"


def test_nothing_is_left_beside_the_files(platform: Platform, tmp_path: Path) -> None:
    files = EnvoyFiles(tmp_path)
    platform.publish("m.ns")
    files.write_backends(platform.tables)
    files.write_routes(platform.tables)
    names = {envoy_config.CLUSTERS, envoy_config.ROUTE_TABLE, envoy_config.endpoints_file(KEY)}
    assert {path.name for path in tmp_path.iterdir()} == names
