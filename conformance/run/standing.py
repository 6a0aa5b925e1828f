"""How far a service has come that is not Ready, the reason first, for whoever deployed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from conformance.recording.pod_bodies import PodBody

UNSCHEDULABLE: Final = "Unschedulable"
STARTING: Final = frozenset({"ContainerCreating", "PodInitializing"})
"""Reasons of containers that only wait for their turn."""
STOPPED: Final = "Stopped"
"""The one condition that says something is wrong by being True."""
REMEDY: Final = "lower what a copy of the manifest requests: --witness leaves it as it is"


def standing(conditions: Mapping[str, Sequence[str]], pods: Iterable[PodBody]) -> str:
    """Pods that are not ready with why; conditions, each `[status, reason, message]` by its type, that are not True,
    what several of them say alike said once; and last the pods that are ready."""
    listed = sorted(pods, key=lambda pod: (pod.ready, pod.name))
    words = [_pod(pod) for pod in listed if not pod.ready]
    if any(pod.reason == UNSCHEDULABLE for pod in listed):
        words.append(REMEDY)
    told: set[str] = set()
    for kind, (status, *why) in sorted(conditions.items()):
        text = " ".join(part for part in why if part)
        if status == "True" or kind == STOPPED or text in told:
            continue
        told |= {text} - {""}
        words.append(f"{kind}={status} {text}".rstrip())
    words += [f"pod {pod.name} is ready" for pod in listed if pod.ready]
    return "; ".join(words) or "nothing was seen of it"


def _pod(pod: PodBody) -> str:
    text = f"pod {pod.name} {pod.phase} {pod.reason}".rstrip()
    # What follows the first sentence is about preemption.
    message, _, _ = pod.message.partition(". ")
    waiting = [
        f"{each.name} {each.reason}"
        for each in (*pod.init_containers, *pod.containers)
        if each.state == "waiting" and each.reason not in STARTING
    ]
    return ": ".join(filter(None, (text, message, ", ".join(waiting))))
