"""How an activator chooses among the pods of a revision (Knative pkg/activator/net/lb_policy.go, throttler.go)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol


class Tracker:
    """One pod as an activator sees it: where it is, how many requests of this activator it runs."""

    __slots__ = ("address", "in_flight", "limit")

    def __init__(self, address: str, limit: int) -> None:
        """`limit`: containerConcurrency; 0 has none."""
        self.address = address
        self.limit = limit
        self.in_flight = 0

    def reserve(self) -> bool:
        """Take a slot if one is free."""
        if self.limit and self.in_flight >= self.limit:
            return False
        self.in_flight += 1
        return True

    def release(self) -> None:
        """Give a slot back."""
        self.in_flight -= 1


class Policy(Protocol):
    """A way to choose."""

    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        """Choose a pod and reserve a slot in it; None when no slot is free. Pods are in the order of their address."""


class RandomChoice:
    """Two different pods at random, of these the one with less in flight."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        count = len(trackers)
        if count == 0:
            return None
        chosen = trackers[0]
        if count == 2:
            other = trackers[1]
        elif count > 2:
            first, second = self._rng.randrange(count), self._rng.randrange(count - 1)
            chosen, other = trackers[first], trackers[second + (second >= first)]
        if count > 1 and other.in_flight < chosen.in_flight:
            chosen = other
        return chosen if chosen.reserve() else None


class FirstAvailable:
    """The first pod with a free slot."""

    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        return next((tracker for tracker in trackers if tracker.reserve()), None)


class RoundRobin:
    """The next pod after the last one chosen that has a free slot."""

    def __init__(self) -> None:
        self._next = 0

    def pick(self, trackers: Sequence[Tracker]) -> Tracker | None:
        count = len(trackers)
        if self._next >= count:
            self._next = 0
        for step in range(count):
            position = (self._next + step) % count
            if trackers[position].reserve():
                self._next = position + 1
                return trackers[position]
        return None


def policy_for(container_concurrency: int, rng: random.Random) -> Policy:
    """The policy that Knative uses for this containerConcurrency."""
    if container_concurrency == 0:
        return RandomChoice(rng)
    return FirstAvailable() if container_concurrency <= 3 else RoundRobin()
