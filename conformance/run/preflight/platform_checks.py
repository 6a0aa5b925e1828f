"""What is installed, how large it is, and whether its clock and its ingress can be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

from conformance.base.clock import Clock
from conformance.catalogue.supported_versions import TITLES, unsupported
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Cluster, Installation
from conformance.load.load_plan import Target
from conformance.run.capacity.cluster_room import PodNeed, Room
from conformance.run.preflight.preflight_check import Check, Level, ok
from conformance.run.probe import probe
from conformance.settings.settings import Settings

SKEW_PROBES: Final = 8
SKEW_LIMIT_SECONDS: Final = 1.0
"""Facts of the cluster and of the load meet on one axis of whole seconds; more than one apart, and a band is missed."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a run takes at its fullest moment, and the scenarios by their own pods."""

    pods: int
    gpus: int
    scenarios: Mapping[str, int] = field(default_factory=dict)


def installed(installation: Installation) -> tuple[Check, ...]:
    """Versions, mode and autoscaler configuration."""
    found = [ok("kubernetes", f"{installation.kubernetes} ({installation.distribution})")]
    versions = f"KServe {installation.kserve}, Knative {installation.knative or 'none'}"
    others = unsupported({name: getattr(installation, name) for name in TITLES})
    if "unknown" in versions:
        found.append(Check("versions", Level.WARN, versions, "state them under `declared` in conformance.yaml"))
    elif others:
        found.append(Check("versions", Level.WARN, "; ".join(others), "see docs/upgrading.md; the report says it too"))
    else:
        found.append(ok("versions", versions))
    if installation.deployment_mode == "Knative" and installation.knative is not None:
        found.append(ok("mode", "Knative by default"))
    else:
        remedy = (
            "documented manifests name no mode: set defaultDeploymentMode to Knative, or judge profile standard-hpa"
        )
        found.append(Check("mode", Level.FAIL, f"{installation.deployment_mode} by default", remedy))
    config = installation.autoscaler_config
    if config is None:
        remedy = "allow reading config-autoscaler, or state declared.autoscaler_config ({} if it is as shipped)"
        found.append(Check("autoscaler", Level.FAIL, "config-autoscaler is neither readable nor declared", remedy))
    else:
        set_here = ", ".join(f"{name} {value}" for name, value in sorted(config.items())) or "as shipped"
        found.append(ok("autoscaler", f"{installation.autoscaler}: {set_here}"))
    return tuple(found)


def capacity(installation: Installation, need: Need, wants_real: bool, room: Room | None) -> tuple[Check, ...]:
    """Room for the fullest moment, and accelerators."""
    if room is None or not room.nodes:
        remedy = "allow listing nodes and pods, or make sure that there is room; too little shows as CAPACITY_PODS"
        found = [Check("capacity", Level.WARN, "what is free on nodes cannot be read", remedy)]
    else:
        found = [_places(room, need)]
    if need.gpus:
        found.append(_accelerators(installation, need, wants_real))
    return tuple(found)


def _places(room: Room, need: Need) -> Check:
    """A run narrows itself to the room there is; what needs more than that alone is left out."""
    places = room.takes(PodNeed())
    text = f"{room.words(PodNeed())}, {need.pods} wanted at a time"
    large = ", ".join(name for name, pods in sorted(need.scenarios.items()) if pods > places)
    if large:
        return Check("capacity", Level.FAIL, text, f"add a node; left out here: {large}")
    if need.pods > places:
        return Check("capacity", Level.WARN, text, "add a node; fewer scenarios run side by side, which takes longer")
    return ok("capacity", text)


def _accelerators(installation: Installation, need: Need, wants_real: bool) -> Check:
    total = sum(node.accelerators for node in installation.nodes)
    text = f"{total} {installation.accelerator_resource} ({installation.accelerator_kind}), {need.gpus} needed"
    if wants_real and installation.accelerator_kind != "real":
        remedy = "profile gpu-real cannot pass on emulation; label the nodes by device discovery, or judge gpu-emulated"
        return Check("accelerators", Level.FAIL, text, remedy)
    if total < 1:
        remedy = "install a device plugin, or set accelerator.resource to what the nodes offer"
        return Check("accelerators", Level.FAIL, text, remedy)
    return ok("accelerators", text)


async def clock_skew(api: ApiClient, clock: Clock) -> Check:
    """Server minus local clock, from Date headers.

    A header says its second only, and servers and proxies may keep it for up to a second more, so each answer gives an
    interval of two; several, a fraction apart, narrow it."""
    low, high = float("-inf"), float("inf")
    for _ in range(SKEW_PROBES):
        sent = clock.wall()
        answer = await api.request("GET", "/version")
        received = clock.wall()
        stamp = answer.headers.get("date")
        if stamp is None:
            return Check("clock", Level.WARN, "the API server states no time", "compare the clocks by hand")
        second = parsedate_to_datetime(stamp).timestamp()
        low, high = max(low, second - received), min(high, second + 2.0 - sent)
        await clock.sleep(0.137)
    text = f"server {low:+.2f} to {high:+.2f} s against this machine"
    if low > SKEW_LIMIT_SECONDS or high < -SKEW_LIMIT_SECONDS:
        return Check("clock", Level.FAIL, text, "synchronise both by NTP")
    return ok("clock", text)


async def way_in(cluster: Cluster) -> Check:
    """Whether something that speaks HTTP answers at the ingress; an unknown host is expected to be a 404."""
    ingress = cluster.ingress
    if ingress.handler is not None:
        return ok("ingress", "in process")
    host = f"preflight.{cluster.installation.domain}"
    target = Target(f"{ingress.scheme}://{host}/", "GET", host, ingress.address, ingress.headers)
    status, text = await probe(ingress, target, "GET")
    if status == 0:
        remedy = "set ingress.address, ingress.scheme, ingress.ca_file as the platform's gateway needs them"
        return Check("ingress", Level.FAIL, text, remedy)
    if status in (401, 403):
        remedy = "give the headers that the gateway asks for: ingress.headers"
        return Check("ingress", Level.FAIL, f"HTTP {status} for an unknown host", remedy)
    return ok("ingress", f"{ingress.scheme}, HTTP {status} for an unknown host")


def witness(cluster: Cluster, settings: Settings, wanted_tags: Sequence[str]) -> Check:
    """Whether nodes can get the image under all names it will be asked for."""
    image = cluster.witness_image
    if settings.model == "real":
        return ok("images", "the documented ones")
    if cluster.provider != "existing" or "@sha256:" in image or settings.placement.runtime_file:
        return ok("images", "witness" if cluster.provider == "embedded" else image)
    remedy = f"name it by digest (placement.witness_image), or push it as {', '.join(wanted_tags)} too"
    return Check("images", Level.WARN, f"{image} has a tag, which manifests with runtimeVersion rewrite", remedy)
