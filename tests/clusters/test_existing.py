"""An existing platform reached by nothing but its kubeconfig and the address of its gateway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from clusters.embedded.embedded_provider import EmbeddedProvider
from clusters.existing.existing_provider import ExistingProvider
from clusters.install.installer import Installer
from clusters.install.manifests import Manifests
from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError
from conformance.base.locations import ROOT
from conformance.catalogue.scenario import scenarios
from conformance.kube.resources import SECRETS
from conformance.kube.verbs import ApiStatus, ask, list_all
from conformance.run.plan import RunPlan
from conformance.run.preflight.inspection import inspect
from conformance.run.preflight.preflight_check import Level
from conformance.settings.providers import provider
from conformance.settings.secret import Secret
from conformance.settings.settings import Accelerator, IngressSettings, Kubernetes, Placement, Settings

ROLE_FILE = ROOT / "clusters" / "existing" / "role.yaml"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/conformance/token"


@pytest.mark.smoke
@pytest.mark.long
async def test_an_existing_platform_is_what_its_api_says() -> None:
    async with EmbeddedProvider(clock=RealClock(), seed=4).open() as theirs:
        settings = Settings(
            cluster="existing",
            kubernetes=Kubernetes(kubeconfig=theirs.kubeconfig),
            ingress=IngressSettings(theirs.ingress.address, headers=(("X-Key", Secret("k")),)),
            accelerator=Accelerator(model="L4"),
        )
        async with provider(settings, RealClock()).open() as ours:
            assert ours.provider == "existing"
            assert ours.installation.kserve == theirs.installation.kserve
            assert ours.installation.nodes == theirs.installation.nodes
            assert ours.installation.accelerator_kind == "emulated"
            assert ours.installation.accelerator_model == "L4"
            assert ours.ingress.headers == (("X-Key", "k"),)
            assert ours.witness_image == "serving-conformance/witness:0.1.0"
            assert not ours.disposable


@pytest.mark.smoke
@pytest.mark.long
async def test_an_account_with_the_role_and_nothing_else_can_decide(tmp_path: Path) -> None:
    async with EmbeddedProvider(clock=RealClock(), seed=5).open() as theirs:
        installer = Installer(
            theirs.api, Manifests(folder=None, lock=tmp_path / "none.lock", known={}), RealClock(), within=30
        )
        await installer.apply(tuple(yaml.safe_load_all(ROLE_FILE.read_text(encoding="utf-8"))), "role")
        body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}).encode()
        issued = await ask(
            theirs.api, "POST", "/api/v1/namespaces/default/serviceaccounts/conformance/token", body=body
        )
        assert theirs.kubeconfig is not None
        kubeconfig = yaml.safe_load(Path(theirs.kubeconfig).read_text(encoding="utf-8"))
        kubeconfig["users"][0]["user"] = {"token": issued["status"]["token"]}
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
        settings = Settings(
            cluster="existing",
            kubernetes=Kubernetes(kubeconfig=str(path)),
            ingress=IngressSettings(theirs.ingress.address),
            placement=Placement(witness_image="witness@sha256:1"),
        )
        async with provider(settings, RealClock()).open() as ours:
            with pytest.raises(ApiStatus, match="secrets is forbidden"):
                await list_all(ours.api, SECRETS, "default")
            checks = await inspect(ours, RunPlan(settings, (), (), tuple(scenarios().values())))
    # A busy machine delays the header that clocks are compared by; nothing else may be amiss.
    assert [check for check in checks if check.level is not Level.OK and check.name != "clock"] == []


async def test_a_kubeconfig_that_is_not_there_is_told() -> None:
    settings = Settings(cluster="existing", kubernetes=Kubernetes(kubeconfig="/no/such"))
    with pytest.raises(PlatformError, match="kubeconfig /no/such: no such file"):
        async with ExistingProvider(settings, RealClock()).open():
            pass


async def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], "
        "clusters: [{name: a, cluster: {server: 'http://127.0.0.1:9'}}], users: [{name: a, user: {token: t}}]}",
        encoding="utf-8",
    )
    settings = Settings(cluster="existing", kubernetes=Kubernetes(kubeconfig=str(kubeconfig)))
    with pytest.raises(PlatformError, match="cannot reach http://127"):
        async with ExistingProvider(settings, RealClock()).open():
            pass
