"""An existing platform reached by nothing but its kubeconfig and the address of its gateway."""

from __future__ import annotations

import pytest

from clusters.embedded.provider import EmbeddedProvider
from clusters.existing.provider import ExistingProvider
from clusters.providers import provider
from conformance.clock import RealClock
from conformance.errors import PlatformError, SubmissionError
from conformance.secret import Secret
from conformance.settings import Accelerator, IngressSettings, Kubernetes, Settings


@pytest.mark.smoke
async def test_an_existing_platform_is_what_its_api_says():
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


async def test_a_kubeconfig_that_is_not_there_is_told():
    settings = Settings(cluster="existing", kubernetes=Kubernetes(kubeconfig="/no/such"))
    with pytest.raises(SubmissionError, match="kubeconfig /no/such: no such file"):
        async with ExistingProvider(settings, RealClock()).open():
            pass


async def test_a_server_that_does_not_answer_is_told(tmp_path):
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
