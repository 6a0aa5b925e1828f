"""From the desired count to the replicas of the deployment: bounds, initial scale and the long way to zero."""

from __future__ import annotations

from typing import Final, NamedTuple

from conformance.model.activation import Activation, Mode, Status
from conformance.model.decider import UNKNOWN_SCALE
from conformance.model.parameters import Parameters

DEACTIVATION_RETRY_SECONDS: Final = 3.0
"""Looked at again after marking a revision inactive in proxy mode, where nothing else would bring that about."""

PROBE_PERIOD_SECONDS: Final = 1.0
PROBE_TIMEOUT_SECONDS: Final = 45.0
"""The activator is probed through the public service this often, this long, before the last pod may go."""


class Path(NamedTuple):
    """What is known about the way of requests to the revision when scaling to zero."""

    mode: Mode
    """The mode asked for at the last reconciliation."""
    proxying_since: float | None
    """Unix seconds, whole, since the activator has backed the public service; None while it does not."""
    activator_answers: bool
    """Whether the activator answers a probe of the public service."""


class Scale(NamedTuple):
    """What to do about a desired count."""

    want: int
    """Pods wanted now; -1 when that is not known, 0 already while the last pod only may not go yet."""
    apply: bool
    """Whether the deployment is to be set to `want`."""
    requeue_seconds: float | None = None
    """Look again after this time."""
    probe: bool = False
    """The activator did not answer; probe it and look again when it does."""


def scale(
    desired: int, parameters: Parameters, activation: Activation, path: Path, *, initialized: bool, now: float
) -> Scale:
    """Turn a desired count (-1 before the first decision) into a wanted one at `now` Unix seconds."""
    if desired < 0 and activation.status is not Status.UNKNOWN:
        return Scale(desired, False)
    return to_zero(clamp(desired, parameters, initialized=initialized), parameters, activation, path, now)


def clamp(desired: int, parameters: Parameters, *, initialized: bool) -> int:
    """The desired count within the bounds; until the initial scale was reached once it is a lower bound too.

    The lower bound is looked at first: an initial scale above max-scale stays until it is ready.
    """
    least = parameters.min_scale
    if parameters.initial_scale > 1 and not initialized and parameters.reachable:
        least = max(least, parameters.initial_scale)
    if desired < least:
        return least
    return min(desired, parameters.max_scale) if parameters.max_scale else desired


def to_zero(desired: int, parameters: Parameters, activation: Activation, path: Path, now: float) -> Scale:
    """Whether a count of 0 may be applied yet; any other is."""
    if desired != 0:
        return Scale(desired, True)
    if not parameters.scale_to_zero:
        return Scale(1, True)
    age = activation.age(now)
    if activation.status is Status.UNKNOWN:
        if age > parameters.activation_timeout_seconds:
            return Scale(0, True)
        return Scale(UNKNOWN_SCALE, False, parameters.activation_timeout_seconds)
    if activation.status is Status.TRUE:
        if age >= parameters.stable_window_seconds:
            # Only marks the revision inactive; the last pod goes later.
            return Scale(0, False, DEACTIVATION_RETRY_SECONDS if path.mode is Mode.PROXY else None)
        return Scale(1, True, parameters.stable_window_seconds - age)
    return _remove_last_pod(parameters, path, age, now)


def _remove_last_pod(parameters: Parameters, path: Path, inactive_seconds: float, now: float) -> Scale:
    """The last pod of an inactive revision goes when requests are sure to reach the activator."""
    if parameters.scrape and not path.activator_answers:
        return Scale(0, False, probe=True)
    retention = parameters.pod_retention_seconds
    if inactive_seconds >= max(parameters.grace_seconds, retention):
        return Scale(0, True)
    if inactive_seconds < retention:
        return Scale(0, False, retention - inactive_seconds)
    proxying_seconds = 0.0 if path.proxying_since is None else now - path.proxying_since
    if proxying_seconds >= parameters.grace_seconds:
        return Scale(0, True)
    return Scale(0, False, parameters.grace_seconds - proxying_seconds)
