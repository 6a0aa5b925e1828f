"""Clusters are found by name among what is registered, and are asked the same things whoever provides them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.base import plugins
from conformance.base.clock import RealClock
from conformance.base.errors import UsageError
from conformance.kube.serving_runtimes import TRANSFORMER_IMAGE
from conformance.settings.providers import ProviderFactory, check_fault, provider, provider_factory
from conformance.settings.settings import Settings, load
from conformance.settings.sources import leaf
from tests.base.test_plugins import install

CLUSTERS = ("embedded", "existing", "k3s", "kind")


def test_every_cluster_of_the_suite_is_provided_and_described() -> None:
    assert plugins.names(plugins.PROVIDERS) == CLUSTERS
    assert all(name in leaf("cluster")["description"] for name in CLUSTERS)


def test_a_vendors_provider_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="setting cluster 'acme'"):
        load(flags={"cluster": "acme"})
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "acme-clusters", "acme = clusters.kind.kind_factory:factory", plugins.PROVIDERS)
    assert load(flags={"cluster": "acme"}).cluster == "acme"


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_provider_starts_nothing_before_it_is_opened(name: str) -> None:
    assert hasattr(provider(Settings(cluster=name), RealClock()), "open")


def test_an_unknown_cluster_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'kind'"):
        provider_factory("knid")


def test_something_else_under_a_providers_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "acme-clusters", "acme = json:dumps", plugins.PROVIDERS)
    with pytest.raises(UsageError, match="acme is no provider factory but function"):
        provider_factory("acme")


def test_only_the_embedded_platform_can_be_broken() -> None:
    assert [name for name in CLUSTERS if provider_factory(name).faults()] == ["embedded"]
    check_fault("embedded", "panic-never-entered")
    check_fault("kind", None)


@pytest.mark.parametrize(
    ("cluster", "text"),
    [("embedded", "did you mean 'panic-never-entered'"), ("kind", "cluster kind has none")],
)
def test_a_fault_that_the_provider_does_not_know_is_refused(cluster: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        check_fault(cluster, "panic-never-enterd")


@pytest.mark.parametrize("name", ["k3s", "kind"])
def test_a_provider_that_installs_names_the_nodes_image_too(name: str) -> None:
    factory: ProviderFactory = provider_factory(name)
    assert factory.makes_clusters
    witnessed, documented = (factory.images(Settings(cluster=name, model=model)) for model in ("witness", "real"))
    assert any((name in image and "@sha256:" in image) or "rancher/k3s" in image for image in witnessed)
    assert "registry:2" in witnessed
    assert any(image.startswith("testcontainers/ryuk:") for image in witnessed)
    assert any("python:3.13-slim-bookworm@sha256:" in image for image in witnessed)
    assert any(image.startswith("serving-conformance/witness:0.1.0-") for image in witnessed)
    assert TRANSFORMER_IMAGE in documented
    assert not any("witness" in image for image in documented)


async def test_the_embedded_platform_needs_nothing_beforehand() -> None:
    assert not provider_factory("embedded").makes_clusters
    assert await provider_factory("embedded").prerequisites(Settings(cluster="embedded")) == ()


def test_what_a_plan_asks_of_a_provider_brings_no_client() -> None:
    code = (
        "import sys; from conformance.settings.providers import provider_factory; "
        "from conformance.settings.settings import Settings, load; "
        "[provider_factory(name).images(Settings(cluster=name)) for name in ('embedded', 'existing', 'k3s', 'kind')]; "
        "sys.exit(bool({'kubernetes', 'docker', 'testcontainers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
