import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from clusters.discovery.installed_platform import discover
from conformance.base.clock import VIRTUAL_EPOCH_SECONDS, RealClock, run_virtual, virtual_clock
from conformance.base.http.exchange import Request, Response
from conformance.catalogue.scenario import Budget, Scenario, Step
from conformance.kube.cluster import Cluster, Ingress, Node
from conformance.kube.serving_runtimes import tags
from conformance.run.capacity.cluster_room import NodeRoom, Room
from conformance.run.plan import RunPlan
from conformance.run.preflight.inspection import inspect
from conformance.run.preflight.platform_checks import Need, capacity, clock_skew, installed, way_in, witness
from conformance.run.preflight.preflight_check import Check, Level, decided, lines, ok
from conformance.settings.settings import Placement, Settings
from tests.clusters.canned import Canned, platform

CONFIG = "/api/v1/namespaces/knative-serving/configmaps/config-autoscaler"


def scenario(manifest: str = "examples/autoscale-new.yaml", kind: str = "settle", **budget: int) -> Scenario:
    steps = (Step(kind, seconds=5),)
    return Scenario(manifest, "", "", manifest, steps, budget=Budget(**budget))


async def opened(server: Canned, provider: str = "existing", **changes: Any) -> Cluster:
    async def handler(_: Request) -> Response:
        return Response(404)

    found = await discover(server.api)
    installation = replace(found.installation, **changes)
    return Cluster(
        provider, server.api, Ingress("", handler=handler), installation, virtual_clock(), "witness@sha256:1"
    )


def checked(
    server: Canned, scenarios: Sequence[Scenario] = (), settings: Settings | None = None, **changes: Any
) -> tuple[Check, ...]:
    async def main() -> tuple[Check, ...]:
        cluster = await opened(server, **changes)
        return await inspect(cluster, RunPlan(settings or Settings(), (), (), tuple(scenarios)))

    return run_virtual(main())


def named(checks: Iterable[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_a_fitting_platform_can_decide() -> None:
    checks = checked(Canned(platform()), [scenario(pods=9)])
    assert decided(checks)
    assert {check.level for check in checks if check.name != "clock"} == {Level.OK}
    assert named(checks, "autoscaler").found == "kpa: stable-window 60s"
    assert named(checks, "admission").found == "3 of 3 manifests would be accepted"


def test_missing_permissions_are_listed_and_only_the_required_ones_prevent_a_verdict() -> None:
    server = Canned(platform())
    server.allow = lambda entry: entry["resource"] != "events"
    check = named(checked(server), "permissions")
    assert check.level is Level.WARN
    assert "missing: get events; list events; watch events" in check.found
    server.allow = lambda entry: (entry["resource"], entry["verb"]) != ("inferenceservices", "patch")
    check = named(checked(server), "permissions")
    assert check.level is Level.FAIL
    assert check.remedy == "kubectl apply -f clusters/existing/role.yaml"


def test_a_manifest_the_cluster_would_refuse_is_told_with_its_own_words() -> None:
    server = Canned(platform())
    checks = checked(server)
    space = next(path for method, path, _ in server.log if method == "DELETE").rsplit("/", 1)[1]
    path = f"/apis/serving.kserve.io/v1beta1/namespaces/{space}/inferenceservices/flowers-sample"
    server.refused[path] = (403, 'admission webhook "policy" denied the request: no limits')
    checks = checked(server, [scenario()])
    assert not decided(checks)
    assert "examples/autoscale-new.yaml: admission webhook" in named(checks, "admission").found


def test_a_manifest_that_is_to_be_refused_is_not_tried() -> None:
    checks = checked(Canned(platform()), [scenario("examples/negative-autoscale-qps-website.yaml", kind="refuse")])
    assert named(checks, "admission").found == "2 of 2 manifests would be accepted"


def test_preflight_leaves_nothing_behind() -> None:
    server = Canned(platform())
    checked(server, [scenario()])
    assert not [path for path in server.objects if path.startswith("/api/v1/namespaces/cf-")]


@pytest.mark.parametrize(
    ("changes", "name", "level", "words"),
    [
        ({"kserve": "unknown"}, "versions", Level.WARN, "KServe unknown"),
        ({"knative": "v1.30.1"}, "versions", Level.WARN, "judges by the model of 1.23"),
        ({"deployment_mode": "Standard"}, "mode", Level.FAIL, "Standard by default"),
        ({"knative": None}, "mode", Level.FAIL, "by default"),
        ({"autoscaler_config": None}, "autoscaler", Level.FAIL, "neither readable nor declared"),
        ({"autoscaler_config": {}}, "autoscaler", Level.OK, "kpa: as shipped"),
    ],
)
async def test_what_is_installed_decides(changes: dict[str, Any], name: str, level: Level, words: str) -> None:
    found = (await discover(Canned(platform()).api)).installation
    check = named(installed(replace(found, **changes)), name)
    assert check.level is level
    assert words in check.found


ROOM = Room((NodeRoom("a", cpu=4.0, memory_gib=30.0, pods=100, cores=4.0),))


@pytest.mark.parametrize(
    ("need", "room", "changes", "wants_real", "levels"),
    [
        (Need(50, 0), ROOM, {}, False, [Level.OK]),
        (Need(300, 0), ROOM, {}, False, [Level.WARN]),
        (Need(9, 0), None, {}, False, [Level.WARN]),
        (Need(9, 2), ROOM, {}, False, [Level.OK, Level.OK]),
        (Need(9, 2), ROOM, {}, True, [Level.OK, Level.FAIL]),
        (Need(9, 2), ROOM, {"accelerator_kind": "real"}, True, [Level.OK, Level.OK]),
        (Need(9, 2), ROOM, {"nodes": (Node("a", 8, 32),)}, False, [Level.OK, Level.FAIL]),
    ],
)
async def test_the_fullest_moment_must_fit(
    need: Need, room: Room | None, changes: dict[str, Any], wants_real: bool, levels: list[Level]
) -> None:
    found = (await discover(Canned(platform()).api)).installation
    assert [check.level for check in capacity(replace(found, **changes), need, wants_real, room)] == levels


async def test_scenarios_too_large_for_the_cluster_are_named() -> None:
    found = (await discover(Canned(platform()).api)).installation
    (check,) = capacity(found, Need(300, 0, {"huge": 300, "small": 9}), False, ROOM)
    assert check.level is Level.FAIL
    assert check.remedy == "add a node; left out here: huge"


@pytest.mark.parametrize(("ahead", "level"), [(0.0, Level.OK), (0.8, Level.OK), (-3.0, Level.FAIL), (60.0, Level.FAIL)])
def test_clocks_are_compared_through_whole_seconds(ahead: float, level: Level) -> None:
    async def main() -> Check:
        server = Canned()
        clock = virtual_clock()
        times = [VIRTUAL_EPOCH_SECONDS + 0.137 * beat + ahead for beat in range(8)]
        server.dates = [formatdate(int(moment), usegmt=True) for moment in times]
        return await clock_skew(server.api, clock)

    assert run_virtual(main()).level is level


def test_a_server_that_states_no_time_is_only_a_warning() -> None:
    async def main() -> Check:
        return await clock_skew(Canned().api, virtual_clock())

    assert run_virtual(main()).level is Level.WARN


async def serving(status: int) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


@pytest.mark.parametrize(("status", "level"), [(404, Level.OK), (401, Level.FAIL), (503, Level.OK)])
async def test_anything_that_speaks_http_is_an_ingress_unless_it_wants_to_know_who_we_are(
    status: int, level: Level
) -> None:
    async with await serving(status) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = (await discover(Canned(platform()).api)).installation
        check = await way_in(Cluster("existing", Canned().api, Ingress(address), found, RealClock()))
    assert check.level is level


async def test_an_ingress_that_does_not_answer_is_told() -> None:
    found = (await discover(Canned(platform()).api)).installation
    check = await way_in(Cluster("existing", Canned().api, Ingress("127.0.0.1:9"), found, RealClock()))
    assert check.level is Level.FAIL
    assert "ingress.address" in check.remedy


def test_a_witness_without_a_digest_must_be_there_under_more_names() -> None:
    cluster = replace(run_virtual(opened(Canned(platform()))), witness_image="reg/witness:1")
    check = witness(cluster, Settings(), tags("reg/witness:1"))
    assert check.level is Level.WARN
    assert check.remedy.endswith("push it as reg/witness:2.6.2, reg/witness:2.6.2-gpu too")
    assert witness(replace(cluster, witness_image="w@sha256:1"), Settings(), ()).level is Level.OK
    assert witness(cluster, Settings(placement=Placement(runtime_file="r.yaml")), ()).level is Level.OK


def test_lines_are_aligned_and_remedies_stand_below() -> None:
    checks = [ok("a", "fine"), Check("longer", Level.FAIL, "bad", "mend it")]
    assert list(lines(checks)) == ["ok    a       fine", "FAIL  longer  bad", "              -> mend it"]


def test_an_unreadable_configuration_is_declared() -> None:
    server = Canned(platform())
    server.forbidden = {CONFIG}
    assert named(checked(server), "autoscaler").level is Level.FAIL
    assert named(checked(server, autoscaler_config={"panic-window": "5"}), "autoscaler").level is Level.OK
