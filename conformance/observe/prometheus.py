"""The autoscaler's own figures from a Prometheus that scrapes it: what the platform's scaling dashboard draws.

They are evidence beside what is watched, and no verdict rests on them. Knative renamed every figure when it went from
OpenCensus to OpenTelemetry (serving 1.19), so both names are asked for. Prometheus is reached at the address that the
settings give, or as a Service of the cluster through the API server's proxy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.base.errors import PlatformError
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.resources import SERVICES
from conformance.kube.verbs import ApiStatus, Object, list_all
from conformance.recording.json_values import child, text
from conformance.recording.shape import JsonObject

OLD: Final[Mapping[str, str]] = {
    "autoscaler_desired_pods": "desired",
    "autoscaler_requested_pods": "requested",
    "autoscaler_actual_pods": "ready",
    "autoscaler_not_ready_pods": "not_ready",
    "autoscaler_pending_pods": "pending",
    "autoscaler_terminating_pods": "terminating",
    "autoscaler_excess_burst_capacity": "excess_burst_capacity",
    "autoscaler_panic_mode": "panicking",
    "autoscaler_stable_request_concurrency": "stable_concurrency",
    "autoscaler_panic_request_concurrency": "panic_concurrency",
    "autoscaler_target_concurrency_per_pod": "target_concurrency",
    "autoscaler_stable_requests_per_second": "stable_rps",
    "autoscaler_panic_requests_per_second": "panic_rps",
    "autoscaler_target_requests_per_second": "target_rps",
}
"""Knative serving up to 1.18: name in Prometheus to the figure's name in a recording."""
NEW: Final[Mapping[str, str]] = {
    "kn_revision_pods_desired": "desired",
    "kn_revision_pods_requested": "requested",
    "kn_revision_pods_count": "ready",
    "kn_revision_pods_not_ready_count": "not_ready",
    "kn_revision_pods_pending_count": "pending",
    "kn_revision_pods_terminating_count": "terminating",
    "kn_revision_capacity_excess": "excess_burst_capacity",
    "kn_revision_panic_mode": "panicking",
    "kn_revision_concurrency_stable": "stable_concurrency",
    "kn_revision_concurrency_panic": "panic_concurrency",
    "kn_revision_concurrency_target": "target_concurrency",
    "kn_revision_rps_stable": "stable_rps",
    "kn_revision_rps_panic": "panic_rps",
    "kn_revision_rps_target": "target_rps",
}
"""Knative serving from 1.19 on (pkg/autoscaler/scaling/metrics.go), dots as underscores."""
FAMILIES: Final = ((NEW, "k8s_namespace_name", "kn_revision_name"), (OLD, "namespace_name", "revision_name"))
"""(names, label of the namespace, label of the revision)."""
STEP_SECONDS: Final = 5
MAX_BYTES: Final = 16 * 2**20
USUAL_NAMES: Final = ("prometheus-operated", "prometheus-k8s", "prometheus-server", "prometheus")
"""What the operator, kube-prometheus and the charts call the Service."""
USUAL_PORTS: Final = ("web", "http-web", "http", "server")

Ask = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""(path below Prometheus' address, query) to its answer. Raises PlatformError when none comes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """All figures of a revision at one moment."""

    wall: float
    revision: str
    values: Mapping[str, float]


class UnreadableError(Exception):
    """Prometheus answered, but not with a range of samples. The message says what it said."""


async def samples(ask: Ask, namespace: str, start_wall: float, end_wall: float) -> list[Sample]:
    """Figures of a namespace's revisions in order of time, every five seconds; none where Prometheus has none.

    Raises UnreadableError and PlatformError."""
    found: dict[tuple[float, str], dict[str, float]] = {}
    for names, space_label, revision_label in FAMILIES:
        query = f'{{__name__=~"{"|".join(names)}",{space_label}="{namespace}"}}'
        times = {"start": f"{start_wall:.3f}", "end": f"{end_wall:.3f}", "step": str(STEP_SECONDS)}
        answer = await ask("/api/v1/query_range", {"query": query, **times})
        for series in _matrix(answer):
            labels = child(series, "metric")
            figure, revision = names.get(text(labels.get("__name__"))), text(labels.get(revision_label))
            if figure is None or not revision:
                continue
            for wall, value in _points(series):
                known = found.setdefault((wall, revision), {})
                # Of several autoscalers one leads; the others keep still or repeat what they last knew.
                known[figure] = max(value, known.get(figure, value))
    return [Sample(wall, revision, values) for (wall, revision), values in sorted(found.items())]


def _matrix(answer: Answer) -> list[JsonObject]:
    if len(answer.body) > MAX_BYTES:
        raise UnreadableError(f"an answer of {len(answer.body)} bytes, more than {MAX_BYTES}")
    try:
        value = json.loads(answer.body)
    except ValueError:
        raise UnreadableError(f"status {answer.status}, and no JSON") from None
    data = value.get("data") if isinstance(value, dict) else None
    if answer.status != 200 or not isinstance(data, dict) or value.get("status") != "success":
        error = value.get("error") or value.get("message") if isinstance(value, dict) else None
        raise UnreadableError(f"status {answer.status}: {str(error or 'no data')[:200]}")
    if data.get("resultType") != "matrix" or not isinstance(data.get("result"), list):
        raise UnreadableError(f"a result of type {data.get('resultType')!r}, not a matrix")
    return [entry for entry in data["result"] if isinstance(entry, dict) and isinstance(entry.get("metric"), dict)]


def _points(series: JsonObject) -> Iterator[tuple[float, float]]:
    values = series.get("values")
    for entry in values if isinstance(values, list) else ():
        try:
            wall, value = (float(str(part)) for part in entry[:2])
        except (TypeError, ValueError, KeyError):
            raise UnreadableError(f"a sample {str(entry)[:80]!r}") from None
        if math.isfinite(value) and math.isfinite(wall):
            yield wall, value


def at(url: str) -> Ask:
    """Prometheus at an address that this machine reaches."""

    async def ask(path: str, query: Mapping[str, str]) -> Answer:
        import httpx

        try:
            async with httpx.AsyncClient(timeout=10.0) as client:
                answer = await client.get(url.rstrip("/") + path, params=dict(query))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PlatformError(f"Prometheus does not answer: {type(error).__name__}: {error}") from error
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    return ask


def behind(api: ApiClient, namespace: str, name: str, port: str) -> Ask:
    """Prometheus as a Service, through the API server's proxy."""
    root = f"/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy"

    async def ask(path: str, query: Mapping[str, str]) -> Answer:
        return await api.request("GET", root + path, query=query)

    return ask


async def discover(api: ApiClient) -> list[tuple[str, str, str]]:
    """(namespace, name, port) of Services that look like Prometheus, the likeliest first; none where Services may not
    be listed."""
    try:
        services, _ = await list_all(api, SERVICES)
    except ApiStatus:
        return []
    found = []
    for service in services:
        metadata = service.get("metadata", {})
        name = str(metadata.get("name", ""))
        rank = _rank(name, metadata.get("labels") or {})
        port = _port(service)
        if rank is not None and port:
            found.append((rank, str(metadata.get("namespace", "")), name, port))
    return [(namespace, name, port) for _, namespace, name, port in sorted(found)]


def _rank(name: str, labels: Mapping[str, str]) -> int | None:
    if name in USUAL_NAMES:
        return USUAL_NAMES.index(name)
    marked = labels.get("app.kubernetes.io/name") == "prometheus" or labels.get("app") == "prometheus"
    return len(USUAL_NAMES) if marked or name.endswith("-prometheus") else None


def _port(service: Object) -> str:
    ports = list(service.get("spec", {}).get("ports") or ())
    for port in ports:
        if port.get("name") in USUAL_PORTS or port.get("port") == 9090:
            return str(port.get("port"))
    return str(ports[0].get("port")) if len(ports) == 1 else ""
