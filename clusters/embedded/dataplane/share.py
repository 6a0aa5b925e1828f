"""Which pods an activator uses and how many requests it lets through (Knative pkg/activator/net/throttler.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

UNLIMITED: Final = 2**31 - 1
"""Knative's largest breaker capacity (pkg/queue/breaker.go MaxBreakerCapacity)."""


def assigned(pods: Sequence[T], index: int, activators: int) -> list[T]:
    """The pods of activator `index` among `activators`, in order.

    Each gets a slice of size len div activators and the index-th left-over; with more activators than pods it is pod
    index mod len. An index of -1 means that this activator is not among those of the revision: it uses all pods.
    """
    count = len(pods)
    if index < 0 or activators <= 1 or count == 0:
        return list(pods)
    if activators > count:
        return [pods[index % count]]
    size, rest = divmod(count, activators)
    share = list(pods[index * size : (index + 1) * size])
    if index < rest:
        share.append(pods[activators * size + index])
    return share


def capacity(container_concurrency: int, backends: int, trackers: int, activators: int) -> int:
    """Requests an activator runs at a time for a revision with `backends` ready pods, `trackers` of them its own.

    No trackers: pods cannot be addressed one by one, and the activators divide all backends among them.
    """
    if backends == 0:
        return 0
    if container_concurrency == 0:
        return UNLIMITED
    if trackers:
        return container_concurrency * trackers
    return max(1, container_concurrency * backends // max(1, activators))
