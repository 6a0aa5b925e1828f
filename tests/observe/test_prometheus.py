"""The autoscaler's figures come from a Prometheus under both sets of names; no run fails for want of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from conformance.base.errors import PlatformError
from conformance.kube.api_client import Answer
from conformance.observe import scaling_figures
from conformance.observe.prometheus import NEW, OLD, UnreadableError, at, behind, discover, samples
from conformance.recording.facts import Fact, FactKind
from conformance.recording.writer import Header, Recorder
from tests.observe.prometheus_server import Database, serving

SPACE = "cf-one"
REVISION = "flowers-sample-predictor-00001"


def database(start: float = 1000.0) -> Database:
    """An autoscaler of today, scraped every ten seconds, that panics with five requests in flight."""
    found = Database()
    labels = {"k8s_namespace_name": SPACE, "kn_revision_name": REVISION, "kn_service_name": "flowers-sample-predictor"}
    times = [start + 10.0 * number for number in range(4)]
    figures: dict[str, list[float | str]] = {
        "kn_revision_pods_desired": [1, 8, 8, 8],
        "kn_revision_concurrency_stable": [0.0, 3.1, 4.9, 5.0],
        "kn_revision_concurrency_panic": [0.0, 5.0, 5.0, "NaN"],
        "kn_revision_panic_mode": [0, 1, 1, 1],
    }
    for name, values in figures.items():
        found.add(name, list(zip(times, values, strict=True)), **labels)
    found.add("kn_revision_pods_desired", [(start, 3.0)], k8s_namespace_name="elsewhere", kn_revision_name="other")
    return found


async def test_figures_are_read_in_order_of_time() -> None:
    with serving(database()) as url:
        found = await samples(at(url), SPACE, 1000.0, 1030.0)
    assert [sample.wall for sample in found] == [1000.0, 1005.0, 1010.0, 1015.0, 1020.0, 1025.0, 1030.0]
    assert {sample.revision for sample in found} == {REVISION}
    assert found[2].values == {"desired": 8.0, "stable_concurrency": 3.1, "panic_concurrency": 5.0, "panicking": 1.0}


async def test_what_is_no_number_is_left_out() -> None:
    with serving(database()) as url:
        found = await samples(at(url), SPACE, 1000.0, 1030.0)
    assert "panic_concurrency" not in found[-1].values
    assert found[-1].values["stable_concurrency"] == 5.0


async def test_the_names_of_older_autoscalers_are_known_too() -> None:
    old = Database()
    labels = {"namespace_name": SPACE, "revision_name": REVISION, "configuration_name": "flowers-sample-predictor"}
    old.add("autoscaler_stable_requests_per_second", [(1000.0, 51.5)], **labels)
    old.add("autoscaler_actual_pods", [(1000.0, 8.0)], **labels)
    with serving(old) as url:
        (found,) = await samples(at(url), SPACE, 1000.0, 1004.0)
    assert found.values == {"stable_rps": 51.5, "ready": 8.0}


def test_both_sets_of_names_tell_of_the_same_figures() -> None:
    assert sorted(OLD.values()) == sorted(NEW.values())


async def test_of_several_autoscalers_the_one_that_leads_counts() -> None:
    two = database()
    labels = {"k8s_namespace_name": SPACE, "kn_revision_name": REVISION, "instance": "idle"}
    two.add("kn_revision_pods_desired", [(1000.0, 0.0)], **labels)
    with serving(two) as url:
        found = await samples(at(url), SPACE, 1010.0, 1010.0)
    assert found[0].values["desired"] == 8.0


@pytest.mark.parametrize(
    "said",
    [
        b"<html>sign in</html>",
        b'{"status":"error","error":"too many samples"}',
        b'{"status":"success","data":{"resultType":"vector","result":[]}}',
        b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":'
        b'{"__name__":"kn_revision_pods_desired","kn_revision_name":"r"},"values":[[1]]}]}}',
        b"[]",
    ],
)
async def test_an_answer_of_another_kind_is_told(said: bytes) -> None:
    broken = Database(broken=said)
    with serving(broken) as url, pytest.raises(UnreadableError):
        await samples(at(url), SPACE, 1000.0, 1030.0)


async def test_a_server_that_is_away_is_told() -> None:
    with serving(Database()) as url:
        pass
    with pytest.raises(PlatformError, match="Prometheus does not answer"):
        await samples(at(url), SPACE, 1000.0, 1030.0)


def service(name: str, namespace: str = "monitoring", labels: Mapping[str, str] | None = None, **port: Any) -> Any:
    """A Service with one port."""
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels or {})}
    return {"metadata": metadata, "spec": {"ports": [port or {"name": "web", "port": 9090}]}}


class Cluster:
    """An API server with Services and a proxy to one Prometheus; `allowed` says whether the proxy may be used."""

    def __init__(self, services: list[Any], known: Database, allowed: bool = True) -> None:
        self.services = services
        self.known = known
        self.allowed = allowed

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        if path == "/api/v1/services":
            listed = {"kind": "ServiceList", "metadata": {"resourceVersion": "1"}, "items": self.services}
            return Answer(200, {}, json.dumps(listed).encode())
        root, proxy, rest = path.partition("/proxy")
        if not proxy or root != "/api/v1/namespaces/monitoring/services/prometheus-operated:9090":
            return Answer(404, {}, b'{"kind":"Status","status":"Failure","message":"not found"}')
        if not self.allowed:
            return Answer(403, {}, b'{"kind":"Status","status":"Failure","message":"services/proxy is forbidden"}')
        from urllib.parse import urlencode

        status, said = self.known.answer(f"{rest}?{urlencode(dict(query or {}))}")
        return Answer(status, {}, said)

    def stream(
        self, path: str, *, query: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise PlatformError("no streams here")

    async def close(self) -> None:
        return


async def test_a_prometheus_in_the_cluster_is_found_by_its_usual_names() -> None:
    services = [
        service("grafana"),
        service("stack-prometheus", labels={"app": "kube-prometheus-stack-prometheus"}),
        service("prometheus-operated"),
        service("metrics", labels={"app.kubernetes.io/name": "prometheus"}, port=80),
    ]
    found = await discover(Cluster(services, Database()))
    assert found == [
        ("monitoring", "prometheus-operated", "9090"),
        ("monitoring", "metrics", "80"),
        ("monitoring", "stack-prometheus", "9090"),
    ]


async def test_a_prometheus_in_the_cluster_is_read_through_the_api_server() -> None:
    cluster = Cluster([service("prometheus-operated")], database())
    found = await samples(behind(cluster, "monitoring", "prometheus-operated", "9090"), SPACE, 1010.0, 1010.0)
    assert found[0].values["desired"] == 8.0


class Still:
    """A clock that stands at thirty seconds."""

    def monotonic(self) -> float:
        return 30.0

    def wall(self) -> float:
        return 1030.0


async def recorded(folder: Path, cluster: Cluster, place: str | None = None, *, search: bool = True) -> list[Fact[Any]]:
    """Facts written at the end of a scenario that began at 1000 s."""
    header = Header("s", "r", 0, "real", 0.0, 1000.0, "0", "existing", {})
    with Recorder(folder / "recording", header, Still()) as recorder:
        await scaling_figures.record(cluster, recorder, SPACE, place, search=search)
    lines = (folder / "recording" / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    return [Fact.parse(line) for line in lines]


async def test_figures_become_facts_that_say_when_they_stood(tmp_path: Path) -> None:
    facts = await recorded(tmp_path, Cluster([service("prometheus-operated")], database()))
    assert [fact.kind for fact in facts] == [FactKind.METRIC] * 7
    assert {fact.t for fact in facts} == {30.0}
    assert [fact.body.at for fact in facts] == [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]
    assert facts[2].body.source == "prometheus"
    assert facts[2].body.values["panic_concurrency"] == 5.0


async def test_the_address_in_the_settings_is_asked_in_place_of_the_cluster(tmp_path: Path) -> None:
    with serving(database()) as url:
        facts = await recorded(tmp_path, Cluster([service("prometheus-operated")], Database()), url)
    assert [fact.kind for fact in facts] == [FactKind.METRIC] * 7


async def test_a_proxy_that_may_not_be_used_is_noted_and_nothing_fails(tmp_path: Path) -> None:
    (note,) = await recorded(tmp_path, Cluster([service("prometheus-operated")], database(), allowed=False))
    assert note.kind is FactKind.NOTE
    assert "services/proxy is forbidden" in note.body.text


async def test_a_cluster_without_prometheus_has_no_figures(tmp_path: Path) -> None:
    assert await recorded(tmp_path, Cluster([service("grafana")], Database())) == []


async def test_a_service_in_the_settings_is_asked_without_looking_for_others(tmp_path: Path) -> None:
    cluster = Cluster([], database())
    facts = await recorded(tmp_path, cluster, "monitoring/prometheus-operated:9090", search=False)
    assert [fact.kind for fact in facts] == [FactKind.METRIC] * 7


async def test_a_cluster_of_somebody_elses_is_not_searched(tmp_path: Path) -> None:
    assert await recorded(tmp_path, Cluster([service("prometheus-operated")], database()), search=False) == []
