import pytest

from clusters.discovery.installed_platform import discover
from conformance.base.errors import PlatformError
from conformance.kube.cluster import Node
from conformance.kube.resource_quantity import quantity
from conformance.settings.settings import Declared
from tests.clusters.canned import Canned, config_map, node, platform

CONFIG = "/api/v1/namespaces/knative-serving/configmaps/config-autoscaler"


async def test_an_installation_is_read_not_assumed() -> None:
    found = (await discover(Canned(platform()).api)).installation
    assert found.kubernetes == "v1.34.0"
    assert (found.kserve, found.knative, found.distribution) == ("v0.20.0", "v1.21.1", "kind")
    assert (found.network_layer, found.deployment_mode, found.domain) == ("kourier", "Knative", "example.com")
    assert found.autoscaler == "kpa"
    assert found.autoscaler_config == {"stable-window": "60s"}
    assert found.nodes == (Node("one", 3.92, 16.0, 0), Node("two", 3.92, 16.0, 4))


async def test_what_cannot_be_read_is_taken_from_what_the_vendor_declares() -> None:
    server = Canned(platform())
    server.forbidden = {
        CONFIG,
        "/api/v1/nodes",
        "/api/v1/namespaces/kserve/configmaps/inferenceservice-config",
        "/apis/apps/v1/namespaces/kserve/deployments/kserve-controller-manager",
    }
    stated = Declared(kserve="v9", knative="v8", deployment_mode="Knative", autoscaler_config={"panic-window": "5"})
    found = await discover(server.api, stated)
    assert (found.installation.kserve, found.installation.knative) == ("v9", "v8")
    assert found.installation.autoscaler_config == {"panic-window": "5"}
    assert "may not read configmaps/config-autoscaler in knative-serving" in found.notes
    assert "may not list nodes" in found.notes


async def test_what_can_be_read_wins_over_what_is_declared() -> None:
    stated = Declared(kserve="v9", domain="elsewhere.org", autoscaler_config={})
    found = (await discover(Canned(platform()).api, stated)).installation
    assert (found.kserve, found.domain, found.autoscaler_config) == ("v0.20.0", "example.com", {"stable-window": "60s"})


async def test_kserves_version_shows_in_its_configuration_where_it_runs_elsewhere() -> None:
    images = {"storageInitializer": '{"image": "kserve/storage-initializer:v0.19.0"}', "agent": "{}"}
    server = Canned([config_map("kserve", "inferenceservice-config", images)])
    assert (await discover(server.api)).installation.kserve == "v0.19.0"
    server = Canned([config_map("kserve", "inferenceservice-config", {"agent": '{"image": "kserve/agent:latest"}'})])
    assert (await discover(server.api)).installation.kserve == "unknown"


async def test_another_autoscaler_is_the_vendors_word() -> None:
    found = await discover(Canned(platform()).api, Declared(autoscaler="other"))
    assert found.installation.autoscaler == "other"


async def test_a_cluster_without_kserve_is_refused() -> None:
    server = Canned(platform())
    server.groups = ["apps"]
    with pytest.raises(PlatformError, match=r"no API group serving\.kserve\.io"):
        await discover(server.api)


async def test_a_cluster_without_knative_runs_in_standard_mode() -> None:
    server = Canned(
        [config_map("kserve", "inferenceservice-config", {"deploy": '{"defaultDeploymentMode": "RawDeployment"}'})]
    )
    server.groups = ["serving.kserve.io"]
    found = (await discover(server.api)).installation
    assert (found.knative, found.autoscaler, found.deployment_mode) == (None, "hpa", "Standard")


@pytest.mark.parametrize(
    ("version", "name"),
    [("v1.34.1+k3s1", "k3s"), ("v1.33.4-gke.100", "gke"), ("v1.33.4-eks-ab", "eks"), ("v1.34.0", "kubernetes")],
)
async def test_the_distribution_shows_in_the_version_or_not_at_all(version: str, name: str) -> None:
    server = Canned(version=version)
    assert (await discover(server.api)).installation.distribution == name


async def test_a_node_that_takes_no_pods_is_no_capacity() -> None:
    server = Canned([node("one"), node("off", unschedulable=True)])
    assert [entry.name for entry in (await discover(server.api)).installation.nodes] == ["one"]


@pytest.mark.parametrize(
    ("labels", "said", "kind"),
    [
        ({}, None, "emulated"),
        ({}, "real", "real"),
        ({"nvidia.com/gpu.product": "L4"}, None, "real"),
        ({"nvidia.com/gpu.product": "L4", "run.ai/simulated-gpu-node-pool": "default"}, "real", "emulated"),
        ({"conformance.serving/accelerators": "emulated"}, "real", "emulated"),
        ({"nvidia.com/gpu.product": "L4"}, "none", "none"),
    ],
)
async def test_emulation_is_never_sold_as_real(labels: dict[str, str], said: str | None, kind: str) -> None:
    server = Canned([node("one", "2", labels)])
    assert (await discover(server.api, gpu=said)).installation.accelerator_kind == kind


async def test_without_the_resource_there_is_no_accelerator() -> None:
    server = Canned([node("one", "2")])
    found = (await discover(server.api, resource="amd.com/gpu")).installation
    assert (found.accelerator_kind, found.nodes[0].accelerators) == ("none", 0)


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", 0.5), ("4", 4.0), ("16Gi", 16 * 2**30), ("8025448Ki", 8025448 * 1024), ("2e3", 2000.0), ("1k", 1000.0)],
)
def test_quantities_are_numbers(text: str, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


def test_a_word_is_no_quantity() -> None:
    with pytest.raises(ValueError, match="'lots' is not a Kubernetes quantity"):
        quantity("lots")
