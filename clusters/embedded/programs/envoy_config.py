"""What Envoy is told: pure functions from the platform's tables to Envoy's resources (API v3, as JSON).

Shaped as Knative's own ingresses shape it (net-kourier, pkg/envoy/api): a virtual host for each host with a weighted
cluster for each revision, which adds the headers that name the revision; no timeout, since queue-proxy and activator
have the revision's; WebSockets let through, to be answered by what is behind; no retry, so that a lost request is seen;
no access log. One thing differs: net-kourier leaves
Envoy's limits of 1024 connections and requests in place; here there are none, so that the ingress is not what is
measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Split

Object = dict[str, Any]

LOOPBACK: Final = "127.0.0.1"
LISTENER: Final = "ingress"
ROUTES: Final = "hosts"
PREFIX: Final = "type.googleapis.com/envoy."
NO_LIMIT: Final = 2**31 - 1
CONNECT_SECONDS: Final = 5
CLUSTERS: Final = "clusters.json"
ROUTE_TABLE: Final = "routes.json"
"""Files that are replaced when the platform's tables change; Envoy sees the rename."""
NOT_BELIEVED: Final = ("k-network-probe", "k-proxy-request")
"""Headers of Knative's own that a client may not set; those that name the revision are overwritten."""


def bootstrap(folder: Path, port: int) -> Object:
    """The start configuration. `port` 0 takes any; the administration always does, on loopback."""
    return {
        "node": {"id": "ingress", "cluster": "embedded"},
        "admin": {"address": _address(0)},
        "dynamic_resources": {"cds_config": _watched(folder / CLUSTERS)},
        "static_resources": {"listeners": [_listener(folder / ROUTE_TABLE, port)]},
    }


def clusters(revisions: Iterable[RevisionKey], folder: Path, version: int) -> Object:
    """One cluster for each revision; where it leads is in the endpoints."""
    return _resources(version, [_cluster(revision, folder) for revision in sorted(revisions)])


def endpoints(revision: RevisionKey, ports: Sequence[int], version: int) -> Object:
    """Ports on loopback behind a revision: of its pods' queue-proxies, or of activators."""
    assignment = {
        "@type": PREFIX + "config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster_name(revision),
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}} for port in ports]}],
    }
    return _resources(version, [assignment])


def routes(hosts: Mapping[str, Sequence[Split]], version: int) -> Object:
    """One virtual host for each host. A host without a revision has no route: 404, as for one that nobody has."""
    table = {
        "@type": PREFIX + "config.route.v3.RouteConfiguration",
        "name": ROUTES,
        "virtual_hosts": [_virtual_host(host, splits) for host, splits in sorted(hosts.items()) if splits],
        "request_headers_to_remove": list(NOT_BELIEVED),
    }
    return _resources(version, [table])


def endpoints_file(revision: RevisionKey) -> str:
    """Name of the file of a revision's endpoints: Envoy takes one revision from a file."""
    return f"endpoints-{revision.namespace}.{revision.name}.json"


def cluster_name(revision: RevisionKey) -> str:
    """Envoy's name of a revision."""
    return f"{revision.namespace}/{revision.name}"


def _listener(path: Path, port: int) -> Object:
    router = {"@type": PREFIX + "extensions.filters.http.router.v3.Router"}
    connections = {
        "@type": PREFIX + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": LISTENER,
        "rds": {"route_config_name": ROUTES, "config_source": _watched(path)},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "stream_idle_timeout": "0s",
        "request_timeout": "0s",
        "normalize_path": False,
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}]}
    return {"name": LISTENER, "address": _address(port), "filter_chains": [chain]}


def _cluster(revision: RevisionKey, folder: Path) -> Object:
    limits = ("max_connections", "max_pending_requests", "max_requests")
    return {
        "@type": PREFIX + "config.cluster.v3.Cluster",
        "name": cluster_name(revision),
        "type": "EDS",
        "eds_cluster_config": {"eds_config": _watched(folder / endpoints_file(revision))},
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "circuit_breakers": {"thresholds": [dict.fromkeys(limits, NO_LIMIT)]},
    }


def _virtual_host(host: str, splits: Sequence[Split]) -> Object:
    return {
        "name": host,
        "domains": [host, f"{host}:*"],
        "routes": [
            {
                "match": {"prefix": "/"},
                "route": {
                    "weighted_clusters": {"clusters": [_weighted(split) for split in splits]},
                    "timeout": "0s",
                    "upgrade_configs": [{"upgrade_type": "websocket"}],
                },
            }
        ],
    }


def _weighted(split: Split) -> Object:
    named = (
        ("knative-serving-namespace", split.revision.namespace),
        ("knative-serving-revision", split.revision.name),
    )
    return {
        "name": cluster_name(split.revision),
        "weight": split.percent,
        "request_headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in named
        ],
    }


def _resources(version: int, found: Sequence[Object]) -> Object:
    return {"version_info": str(version), "resources": list(found)}


def _watched(path: Path) -> Object:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}


def _address(port: int) -> Object:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}
