import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from clusters.discovery import ingress_discovery
from clusters.discovery.ingress_discovery import ingress, joined, split
from conformance.base.errors import PlatformError, UsageError
from conformance.kube.cluster import Ingress
from conformance.settings.secret import Secret
from conformance.settings.settings import IngressSettings
from tests.clusters.canned import Canned, config_map, node


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def gateway(
    namespace: str, name: str, port: int, *, address: str | None = None, node_port: int | None = None
) -> dict[str, Any]:
    status = {"loadBalancer": {"ingress": [{"ip": address}]}} if address else {}
    ports = [{"port": port, **({"nodePort": node_port} if node_port else {})}]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}, "status": status}


DISCOVER = IngressSettings()


async def found(
    server: Canned, settings: IngressSettings = DISCOVER, layer: str = "kourier", config: dict[str, Any] | None = None
) -> tuple[Ingress, tuple[str, ...]]:
    async with ingress(server.api, settings, layer, config or {}, {}) as (way, notes):
        return way, notes


async def test_what_is_set_is_taken_and_headers_are_revealed_only_there() -> None:
    settings = IngressSettings(
        "gw.example.org:8080", "https", (("X-Key", Secret("k")),), ca_file="ca.pem", verify=False
    )
    way, notes = await found(Canned(), settings)
    assert (way.address, way.scheme, way.headers) == ("gw.example.org:8080", "https", (("X-Key", "k"),))
    assert (way.ca_file, way.verify, notes) == ("ca.pem", False, ())
    assert "'k'" not in repr(way)


@pytest.mark.parametrize("address", ["http://gw:80", "gw", "::1:80", "a b:80", "gw:http"])
async def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="must be host:port"):
        await found(Canned(), IngressSettings(address))


async def test_a_load_balancer_is_found_by_the_network_layer() -> None:
    async with listening() as port:
        server = Canned([gateway("kourier-system", "kourier", port, address="127.0.0.1")])
        way, notes = await found(server)
    assert way.address == f"127.0.0.1:{port}"
    assert notes == ("ingress discovered, network layer kourier",)


@pytest.mark.parametrize("inside", [True, False])
async def test_the_gateways_own_service_is_the_way_in_from_a_pod_alone(
    monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    monkeypatch.setattr(ingress_discovery, "inside_a_pod", lambda: inside)
    async with listening() as port:
        service = gateway("kourier-system", "kourier", port)
        service["spec"]["clusterIP"] = "127.0.0.1"
        if inside:
            assert (await found(Canned([service])))[0].address == f"127.0.0.1:{port}"
            return
        with pytest.raises(PlatformError, match="tried: no gateway of a known network layer"):
            await found(Canned([service]), IngressSettings(port_forward=False))


async def test_a_node_port_is_tried_when_no_load_balancer_answers() -> None:
    async with listening() as port:
        one = node("one")
        one["status"]["addresses"] = [{"type": "InternalIP", "address": "127.0.0.1"}]
        server = Canned([one, gateway("istio-system", "istio-ingressgateway", 80, node_port=port)])
        way, _ = await found(server, layer="istio")
    assert way.address == f"127.0.0.1:{port}"


async def test_kserves_own_configuration_names_a_gateway_elsewhere() -> None:
    async with listening() as port:
        server = Canned([gateway("mesh", "front", port, address="127.0.0.1")])
        config = {"ingress": {"ingressService": "front.mesh.svc.cluster.local"}}
        way, _ = await found(server, layer="istio", config=config)
    assert way.address == f"127.0.0.1:{port}"


async def test_a_gateway_object_gives_its_address() -> None:
    value = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "front", "namespace": "kserve"},
        "status": {"addresses": [{"value": "192.0.2.1"}]},
    }
    config = {"ingress": {"kserveIngressGateway": "kserve/front"}}
    with pytest.raises(PlatformError, match=r"tried: 192\.0\.2\.1:80"):
        await found(Canned([value]), IngressSettings(port_forward=False), "gateway-api", config)


async def test_https_is_used_where_plain_http_is_redirected() -> None:
    server = Canned([config_map("knative-serving", "config-network", {"http-protocol": "Redirected"})])
    way, _ = await found(server, IngressSettings("gw:443"))
    assert way.scheme == "https"


async def test_port_forward_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl = tmp_path / "kubectl"
    # kubectl v1.34 prints this line first and then stays in the foreground.
    kubectl.write_text(
        '#!/bin/sh\necho "$@" > "$(dirname "$0")/argv"\n'
        'echo "Forwarding from 127.0.0.1:40123 -> 8080"\nexec sleep 60\n',
        encoding="utf-8",
    )
    kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("KUBECTL", str(kubectl))
    server = Canned([gateway("kourier-system", "kourier", 80)])
    async with ingress(server.api, IngressSettings(), "kourier", {}, {"context": "mine"}) as (way, notes):
        assert way.address == "127.0.0.1:40123"
        assert "port-forward" in notes[0]
    argv = (tmp_path / "argv").read_text(encoding="utf-8").split()
    assert argv == ["--context=mine", "--namespace", "kourier-system", "port-forward", "service/kourier", ":80"]


async def test_nothing_to_be_found_says_what_to_set() -> None:
    with pytest.raises(PlatformError, match=r"no gateway of a known network layer\); set ingress\.address"):
        await found(Canned())


def test_addresses_survive_ipv6() -> None:
    assert split(joined("::1", 80)) == ("::1", 80)
    assert joined("10.0.0.1", 80) == "10.0.0.1:80"
