"""The role in clusters/existing/role.yaml against an API server that checks it: enough for everything, and needed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.discovery.installed_platform import discover
from clusters.embedded.api.auth import account_groups
from clusters.embedded.api.request import User
from clusters.embedded.platform import Platform
from clusters.install.installer import Installer
from clusters.install.manifests import Manifests
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.locations import ROOT
from conformance.catalogue.scenario import scenarios
from conformance.kube.api_client import Answer
from conformance.kube.cluster import Cluster, Ingress
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.verbs import ApiStatus
from conformance.recording.run_record import ScenarioRun
from conformance.run.context import Conditions, ScenarioContext
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.plan import RunPlan
from conformance.run.preflight.inspection import inspect
from conformance.run.preflight.preflight_check import Check, Level, decided
from conformance.run.preflight.required_permissions import PERMISSIONS, Permission
from conformance.run.scenario_run import run_scenario
from conformance.settings.settings import Settings

ROLE_FILE = ROOT / "clusters" / "existing" / "role.yaml"
ACCOUNT = "system:serviceaccount:default:conformance"


class Watched:
    """A api that keeps what was forbidden."""

    def __init__(self, api: InProcessClient) -> None:
        self._api = api
        self.forbidden: list[str] = []

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        answer = await self._api.request(method, path, **options)
        if answer.status in (401, 403):
            self.forbidden.append(f"{method} {path}")
        return answer

    @asynccontextmanager
    async def stream(self, path: str, **options: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        try:
            async with self._api.stream(path, **options) as lines:
                yield lines
        except ApiStatus as status:
            if status.status in (401, 403):
                self.forbidden.append(f"WATCH {path}")
            raise

    async def close(self) -> None:
        await self._api.close()


@asynccontextmanager
async def restricted(
    objects: tuple[dict[str, Any], ...] | None = None,
) -> AsyncIterator[tuple[Cluster, Watched]]:
    """A platform, and a cluster on it whose only right is the role."""
    clock = virtual_clock()
    async with Platform(clock, 5) as platform:
        admin = InProcessClient(platform.app, platform.token)
        installer = Installer(admin, Manifests(folder=None, lock=Path("none.lock"), known={}), clock, within=30)
        granted = objects or tuple(yaml.safe_load_all(ROLE_FILE.read_text(encoding="utf-8")))
        await installer.apply(granted, "role")
        platform.tokens.add("account", User(ACCOUNT, account_groups(ACCOUNT), "uid"))
        api = Watched(InProcessClient(platform.app, "account"))
        found = await discover(api, gpu="emulated")
        way = Ingress("", handler=platform.ingress)
        yield Cluster("existing", api, way, found.installation, clock, "witness@sha256:1", notes=found.notes), api


def test_the_role_is_enough_for_discovery_and_preflight() -> None:
    async def main() -> tuple[Cluster, tuple[Check, ...], list[str]]:
        async with restricted() as (cluster, api):
            checks = await inspect(cluster, RunPlan(Settings(), (), (), tuple(scenarios().values())))
            return cluster, checks, api.forbidden

    cluster, checks, forbidden = run_virtual(main())
    assert decided(checks)
    assert cluster.notes == ()
    assert forbidden == []
    assert next(check for check in checks if check.name == "permissions").level is Level.OK


@pytest.mark.parametrize("name", ["target-concurrency", "scale-to-zero", "rollout", "standard-cpu", "qps-refused"])
def test_the_role_is_enough_to_run_and_record_a_scenario(tmp_path: Path, name: str) -> None:
    async def main() -> tuple[ScenarioRun, list[str]]:
        async with restricted() as (cluster, api):
            assert cluster.ingress.handler is not None
            generator = InProcessGenerator(cluster.ingress.handler, cluster.clock)
            conditions = Conditions("20260101-000000-abcd", 1, "0.1.0")
            context = ScenarioContext(cluster, scenarios()[name], tmp_path, conditions, generator, lambda _: None)
            return await run_scenario(context), api.forbidden

    done, forbidden = run_virtual(main())
    assert (done.outcome, done.reason) == ("complete", "")
    assert forbidden == []


def without(permission: Permission) -> tuple[dict[str, Any], ...]:
    objects = list(yaml.safe_load_all(ROLE_FILE.read_text(encoding="utf-8")))
    for value in objects:
        if "rules" in value and value["metadata"].get("namespace") == permission.namespace:
            for rule in value["rules"]:
                if (rule["apiGroups"][0], rule["resources"][0]) == (permission.group, permission.resource):
                    rule["verbs"] = [verb for verb in rule["verbs"] if verb not in permission.verbs]
    return tuple(objects)


@pytest.mark.parametrize("permission", PERMISSIONS, ids=lambda entry: f"{entry.resource} in {entry.namespace}")
def test_each_right_of_the_role_is_missed_by_preflight_when_it_is_taken_away(permission: Permission) -> None:
    async def main() -> tuple[Check, ...]:
        async with restricted(without(permission)) as (cluster, _):
            return await inspect(cluster, RunPlan(Settings(), (), (), ()))

    check = next(check for check in run_virtual(main()) if check.name == "permissions")
    assert check.level is (Level.FAIL if permission.required else Level.WARN)
    assert permission.resource in check.found
