"""What a cluster was short of during a recording: places for pods, images, and containers that stayed alive."""

from __future__ import annotations

import re
from typing import Final

from conformance.judge.history import NEVER, History
from conformance.judge.pod_timeline import PodTimeline
from conformance.judge.validity_check import Reading, ValidityCheck
from conformance.recording.pod_bodies import EventBody

PULL_SECONDS: Final = 30.0
"""A quarter of the time a service has to become Ready: an image that takes longer decides what is measured."""

_ACCELERATOR: Final = re.compile(r"Insufficient [\w.-]+/[\w.-]+")
"""The scheduler's word for a lack of an extended resource, which is what GPU scenarios are after."""
_PULLED: Final = re.compile(r"^Successfully pulled image .* in (?:(\d+)m)?([\d.]+)(ms|s)\b")
"""The kubelet's word for how long a pull took."""
_NO_IMAGE: Final = frozenset({"ErrImagePull", "ImagePullBackOff"})


def _places(history: History) -> Reading:
    """Pods that found no place. A lack of accelerators counts only where not one pod got its own: that some wait is
    what scenarios with accelerators are after."""
    waiting = [pod for pod in history.pods.values() if pod.scheduled == NEVER and pod.unschedulable]
    plain = [pod for pod in waiting if not _wants_accelerator(pod)]
    accelerated = [pod for pod in history.pods.values() if pod.resources]
    placed = [pod for pod in accelerated if min(pod.scheduled, pod.running) != NEVER]
    barren = [pod for pod in waiting if _wants_accelerator(pod)] if not placed else []
    quota = any("exceeded quota" in fact.body.message for fact in history.of(EventBody))
    stuck, seen = len(plain) + len(barren), len(history.pods)
    remedy = "pods found no place: add a node, raise the quota, or lower the load"
    if barren and not plain:
        remedy = "no accelerator was free: add a node with accelerators, or free one"
    return Reading(0 if quota else seen - stuck, remedy, limit=seen, ok=not stuck and not quota)


def _wants_accelerator(pod: PodTimeline) -> bool:
    return any(_ACCELERATOR.search(text) for _, text in pod.unschedulable)


def _images(history: History) -> float:
    """Share of the pods whose image could not be had, or took so long that it decides when they were ready."""
    without = {
        pod.name for pod in history.pods.values() if pod.waiting_reasons & _NO_IMAGE and pod.first_ready == NEVER
    }
    for fact in history.of(EventBody):
        if pull_seconds(fact.body.message) > PULL_SECONDS:
            without.add(fact.body.name)
    return len(without) / max(1, len(history.pods))


def pull_seconds(message: str) -> float:
    """How long a pull took by the kubelet's event; 0 for any other message."""
    found = _PULLED.search(message)
    if found is None:
        return 0.0
    minutes, amount, unit = found.groups()
    return 60.0 * int(minutes or 0) + float(amount) / (1000.0 if unit == "ms" else 1.0)


def _restarts(history: History) -> int | None:
    """Containers that died and were started again: what they had in hand is lost by them, not by scaling."""
    return sum(pod.restarts for pod in history.pods.values()) if history.pods else None


PLACES: Final = ValidityCheck("CAPACITY_PODS", "capacity", 0, _places, "add a node", at_least=True)
"""Its limit is the number of pods."""
IMAGES: Final = ValidityCheck(
    "IMAGE_PULL_SHARE",
    "capacity",
    0,
    _images,
    f"images could not be pulled, or not within {PULL_SECONDS:g} s: load them onto the nodes first",
)
RESTARTS: Final = ValidityCheck(
    "CONTAINER_RESTARTS",
    "restart",
    0,
    _restarts,
    "containers died and were restarted: look at their last state (out of memory, a node that went away)",
)
