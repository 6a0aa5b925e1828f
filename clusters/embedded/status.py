"""What the live page shows of the embedded platform: a card for every revision and horizontal autoscaler, and messages.

Messages are Kubernetes' events and what becomes of InferenceServices. Lists of pods, nodes and services are left to
kubectl, which this platform answers; why pods of a revision wait is on its card.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.knative.knative_names import REVISION
from clusters.embedded.knative.revisions import deployment_name
from clusters.embedded.nodes.kubelet import ACCELERATOR
from clusters.embedded.objects.capacity import allocatable, amounts_by_node
from clusters.embedded.objects.metadata import Object, is_terminating, key_of, labels
from clusters.embedded.objects.status_conditions import condition_of, is_true
from clusters.embedded.platform import Platform
from conformance.base.live_page import LivePage
from conformance.base.terminal import printable
from conformance.kube.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    EVENTS,
    INFERENCE_SERVICES,
    NODES,
    POD_AUTOSCALERS,
    PODS,
)

WINDOW_SECONDS: Final = 600
"""How much of the past the page draws."""
REPEAT_SECONDS: Final = 10.0
"""A card that stays as it is, is told again after this long, so that its curves go on."""


@asynccontextmanager
async def status_page(platform: Platform, port: int = 0) -> AsyncIterator[str]:
    """The page's address. Raises OSError when the port is taken."""
    with LivePage(port) as page:
        feed = StatusFeed(platform, page.tell)
        following = asyncio.create_task(feed.follow())
        try:
            yield page.url
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


class StatusFeed:
    """Tells a live page (`conformance.base.live_page` has the format) how the platform stands, once a second."""

    def __init__(self, platform: Platform, tell: Callable[[Object], None]) -> None:
        self._platform, self._tell = platform, tell
        self._begun = platform.clock.monotonic()
        self._told: dict[str, tuple[float, Object]] = {}
        """When and what a card was told last."""
        self._state = ""
        self._version = 0
        """Of the newest event that was told."""
        self._conditions: dict[str, str] = {}

    async def follow(self) -> None:
        """Tell until cancelled."""
        title = "Embedded platform" + (f", broken on purpose: {self._platform.fault}" if self._platform.fault else "")
        self._send({"kind": "start", "title": title, "panic": "panic", "window_seconds": WINDOW_SECONDS})
        while True:
            self.take()
            await self._platform.clock.sleep(1.0)

    def take(self) -> None:
        """Tell what is new."""
        now = round(self._platform.clock.monotonic() - self._begun, 3)
        if (state := _state(self._platform)) != self._state:
            self._state = state
            self._send({"kind": "state", "text": state})
        cards = {str(card["name"]): card for card in (*_revisions(self._platform), *_autoscalers(self._platform))}
        for name, card in cards.items():
            then, before = self._told.get(name, (-REPEAT_SECONDS, None))
            if card != before or now - then >= REPEAT_SECONDS:
                self._told[name] = (now, card)
                self._send({"kind": "update", "t": now, **card})
        for name in [name for name in self._told if name not in cards]:
            del self._told[name]
            self._send({"kind": "finish", "name": name, "t": now, "outcome": "deleted"})
        for text in (*self._services(), *self._events()):
            self._send({"kind": "line", "t": now, "text": text})

    def _send(self, news: Object) -> None:
        """Without characters that turn or hide the text around them."""
        self._tell({key: printable(value) if isinstance(value, str) else value for key, value in news.items()})

    def _services(self) -> Iterator[str]:
        before, self._conditions = self._conditions, {}
        for value in self._platform.store.list(INFERENCE_SERVICES):
            entry = condition_of(value, "Ready") or {}
            words = (f"Ready={entry.get('status', 'Unknown')}", entry.get("reason"), entry.get("message"))
            text = f"InferenceService {_name(value)}: {' '.join(word for word in words if word)}"
            self._conditions[_name(value)] = text
            if before.get(_name(value)) != text:
                yield text

    def _events(self) -> Iterator[str]:
        events = {int(value["metadata"]["resourceVersion"]): value for value in self._platform.store.list(EVENTS)}
        for version in sorted(version for version in events if version > self._version):
            self._version, value = version, events[version]
            about = value.get("involvedObject") or value.get("regarding") or {}
            count = value.get("count") or 1
            where = f"{about.get('kind', '')} {about.get('namespace', '')}/{about.get('name', '')}"
            what = f"{value.get('reason', '')}: {value.get('message') or value.get('note') or ''}"
            yield f"{value.get('type', '')} {where} {what}" + (f" ({count} times)" if count > 1 else "")


def _name(value: Object) -> str:
    return f"{value['metadata']['namespace']}/{value['metadata']['name']}"


def _state(platform: Platform) -> str:
    """What the nodes hold."""
    nodes, pods = platform.store.list(NODES), platform.store.list(PODS)
    taken, have = amounts_by_node(pods).values(), [allocatable(node) for node in nodes]
    parts = [f"{sum(is_true(node, 'Ready') for node in nodes)} of {len(nodes)} nodes ready"]
    for name, words in (("pods", "pods"), ("cpu", "cores"), (ACCELERATOR, "accelerators")):
        amounts = [sum(entry.get(name, 0.0) for entry in entries) for entries in (taken, have)]
        parts.append(f"{amounts[0]:.4g} of {amounts[1]:.4g} {words}")
    return ", ".join(parts)


def _revisions(platform: Platform) -> Iterator[Object]:
    """Every revision that has an autoscaler."""
    pods: dict[tuple[str, str], list[Object]] = {}
    for pod in platform.store.list(PODS):
        pods.setdefault((pod["metadata"]["namespace"], labels(pod).get(REVISION, "")), []).append(pod)
    for value in platform.store.list(POD_AUTOSCALERS):
        metadata, status = value["metadata"], value.get("status") or {}
        key = RevisionKey(metadata["namespace"], metadata["name"])
        mine = [pod for pod in pods.get((key.namespace, key.name), []) if not is_terminating(pod)]
        held = sum(activator.buffered(key) for activator in platform.traffic.activators)
        deployment = platform.store.get(DEPLOYMENTS, key.namespace, deployment_name(key.name))
        desired = status.get("desiredScale")
        active = (condition_of(value, "Active") or {}).get("status") == "True"
        scaling = platform.autoscaler.scaling(key_of(value))
        panic = scaling is not None and scaling.panicking
        path = "through the activator" if platform.traffic.endpoints_of(key).proxy else "straight to its pods"
        mode = [] if panic else ["stable" if active else "idle"]
        yield {
            "name": _name(value),
            "phase": ", ".join([*mode, path]),
            "panic": panic,
            "ready": sum(is_true(pod, "Ready") for pod in mine),
            "pods": len(mine),
            "desired": None if desired is None or desired < 0 else desired,
            "requested": deployment["spec"].get("replicas") if deployment else None,
            "in_flight": held + sum(_in_flight(platform, pod) for pod in mine),
            "detail": "; ".join([*_measured(platform, scaling), *([f"{held} held"] if held else []), *_waiting(mine)]),
        }


def _in_flight(platform: Platform, pod: Object) -> int:
    process = platform.kubelet.process(key_of(pod))
    return 0 if process is None else process.in_flight or 0


def _measured(platform: Platform, scaling: Any) -> Iterator[str]:
    """The metric, its target and the means over both windows."""
    if scaling is not None:
        yield f"{scaling.kpa.parameters.metric}, target {scaling.kpa.parameters.target_value:.4g}"
        if (observed := scaling.kpa.observe(platform.clock.wall())) is not None:
            yield f"mean {observed.stable:.2f} stable, {observed.panic:.2f} panic"


def _waiting(pods: list[Object]) -> Iterator[str]:
    """What keeps pods from running: no node, or a container that does not stay."""
    for reason, count in Counter(filter(None, map(_why_not, pods))).items():
        yield f"{count} {'pod waits' if count == 1 else 'pods wait'}: {reason}"


def _why_not(pod: Object) -> str:
    scheduled = condition_of(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        return str(scheduled.get("message", ""))
    status = pod.get("status") or {}
    for entry in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (entry.get("state") or {}).get("waiting") or {}
        if waiting.get("message"):
            return f"{entry['name']}: {waiting.get('reason', '')}, {waiting['message']}"
    return ""


def _autoscalers(platform: Platform) -> Iterator[Object]:
    for value in platform.store.list(AUTOSCALERS):
        spec, status = value["spec"], value.get("status") or {}
        measured = ", ".join(_metric(metric, status) for metric in spec.get("metrics") or ())
        yield {
            "name": f"{_name(value)} (HorizontalPodAutoscaler)",
            "phase": f"{spec.get('minReplicas', 1)} to {spec.get('maxReplicas', '')} pods",
            "panic": None,
            "pods": status.get("currentReplicas", 0),
            "ready": status.get("currentReplicas", 0),
            "desired": status.get("desiredReplicas", 0),
            "detail": measured,
        }


def _metric(metric: Object, status: Object) -> str:
    """Name, what is measured, what is aimed at."""
    resource = metric.get("resource") or {}
    name, target = resource.get("name", metric.get("type", "")), resource.get("target") or {}
    measured = next(
        (
            entry["resource"]["current"].get("averageUtilization")
            for entry in status.get("currentMetrics") or ()
            if (entry.get("resource") or {}).get("name") == name
        ),
        None,
    )
    aim = target.get("averageValue") or f"{target.get('averageUtilization', '?')}%"
    return f"{name} {'?' if measured is None else f'{measured}%'} of {aim}"
