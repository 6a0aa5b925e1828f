"""What Envoy is told, from the platform's tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Split
from clusters.embedded.programs import envoy_config

OLD = RevisionKey("ns", "model-00001")
NEW = RevisionKey("ns", "model-00002")


def walked(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys at any depth with their values."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield key, entry
            yield from walked(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from walked(entry)


def virtual_hosts(hosts: dict[str, tuple[Split, ...]]) -> dict[str, Any]:
    (table,) = envoy_config.routes(hosts, 1)["resources"]
    return {entry["name"]: entry for entry in table["virtual_hosts"]}


def weighted(host: Any) -> list[Any]:
    (route,) = host["routes"]
    found: list[Any] = route["route"]["weighted_clusters"]["clusters"]
    return found


def test_a_host_is_found_with_and_without_a_port() -> None:
    assert virtual_hosts({"m.ns.example.com": (Split(OLD),)})["m.ns.example.com"]["domains"] == [
        "m.ns.example.com",
        "m.ns.example.com:*",
    ]


def test_a_host_without_a_revision_has_no_route() -> None:
    assert list(virtual_hosts({"empty": (), "full": (Split(OLD),)})) == ["full"]


def test_shares_are_the_routes_percentages() -> None:
    clusters = weighted(virtual_hosts({"m": (Split(OLD, 90), Split(NEW, 10))})["m"])
    assert [(entry["name"], entry["weight"]) for entry in clusters] == [("ns/model-00001", 90), ("ns/model-00002", 10)]


def test_each_revision_is_named_to_the_activator_whatever_the_client_says() -> None:
    clusters = weighted(virtual_hosts({"m": (Split(OLD, 50), Split(NEW, 50))})["m"])
    named = [
        {
            add["header"]["key"]: (add["header"]["value"], add["append_action"])
            for add in cluster["request_headers_to_add"]
        }
        for cluster in clusters
    ]
    overwrite = "OVERWRITE_IF_EXISTS_OR_ADD"
    assert named == [
        {"knative-serving-namespace": ("ns", overwrite), "knative-serving-revision": (revision.name, overwrite)}
        for revision in (OLD, NEW)
    ]


def test_knatives_own_headers_are_not_taken_from_clients() -> None:
    (table,) = envoy_config.routes({"m": (Split(OLD),)}, 1)["resources"]
    assert set(table["request_headers_to_remove"]) == {"k-network-probe", "k-proxy-request"}


def test_envoy_neither_times_out_nor_retries() -> None:
    told = [envoy_config.bootstrap(Path("/f"), 0), envoy_config.routes({"m": (Split(OLD),)}, 1)]
    keys = list(walked(told))
    timeouts = {key: value for key, value in keys if key.endswith("timeout")}
    assert timeouts == {"timeout": "0s", "stream_idle_timeout": "0s", "request_timeout": "0s"}
    assert not {key for key, _ in keys if "retr" in key}


def test_envoy_writes_no_access_log() -> None:
    assert "access_log" not in dict(walked(envoy_config.bootstrap(Path("/f"), 0)))


def test_everything_is_on_loopback_and_the_administration_on_any_port() -> None:
    told = envoy_config.bootstrap(Path("/f"), 8081)
    behind = envoy_config.endpoints(OLD, [1, 2], 1)
    found = [value for key, value in walked([told, behind]) if key == "socket_address"]
    assert {entry["address"] for entry in found} == {"127.0.0.1"}
    assert told["admin"]["address"]["socket_address"]["port_value"] == 0
    assert [entry["port_value"] for entry in found] == [0, 8081, 1, 2]


def test_a_cluster_reads_the_file_of_its_own_endpoints(tmp_path: Path) -> None:
    found = envoy_config.clusters([NEW, OLD], tmp_path, 3)
    paths = [entry["eds_cluster_config"]["eds_config"]["path_config_source"]["path"] for entry in found["resources"]]
    assert paths == [str(tmp_path / envoy_config.endpoints_file(revision)) for revision in (OLD, NEW)]
    assert len(set(paths)) == 2
    assert found["version_info"] == "3"


def test_an_unlimited_ingress_is_no_bottleneck() -> None:
    (cluster,) = envoy_config.clusters([OLD], Path("/f"), 1)["resources"]
    (limits,) = cluster["circuit_breakers"]["thresholds"]
    assert set(limits.values()) == {2**31 - 1}


def test_what_envoy_is_told_is_plain_json() -> None:
    told = [
        envoy_config.bootstrap(Path("/f"), 0),
        envoy_config.clusters([OLD], Path("/f"), 1),
        envoy_config.endpoints(OLD, [1], 1),
        envoy_config.routes({"m": (Split(OLD),)}, 1),
    ]
    assert json.loads(json.dumps(told)) == told
