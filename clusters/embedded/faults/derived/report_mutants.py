"""Rules of what the autoscaler hears: reports of activators, scrapes of pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import ActivatorStat, PodStat, RevisionKey
from clusters.embedded.faults.derived.operators import (
    DELAYED,
    DOUBLED,
    DROPPED,
    OBJECT,
    ORDER,
    SCOPE,
    UNIT,
    Rule,
    made,
)
from conformance.base.http.exchange import Request
from conformance.model.collector import Stat

LATE_REPORTS: Final = 10
SECOND: Final = "reports of two seconds that change places are the same to a window, but for a second at its edge"
INSTANT: Final = "the next decision comes within two seconds, and a conforming platform may take as long"
THROUGH: Final = ("target-concurrency-old",)
"""Requests go through the activator."""
DIRECT: Final = ("zero-direct",)
"""Requests go to pods, which are scraped."""


def rules() -> Iterator[Rule]:
    """All of them."""
    yield Rule("requests in flight", UNIT, _measured(_scaled(1e-3)), THROUGH)
    yield Rule("requests in flight", OBJECT, _measured(_other), ("panic-window",))
    yield Rule("activator's report", DROPPED, _told(lambda _: None), THROUGH)
    yield Rule("activator's report", DOUBLED, _told(lambda stat: _activator(stat, 2.0)), THROUGH)
    yield Rule("activator's report", UNIT, _told(lambda stat: _activator(stat, 1 / 60.0)), THROUGH)
    yield Rule("activator's report", DELAYED, LateActivator, THROUGH)
    yield Rule("activator's report", ORDER, ExchangedReports, THROUGH, SECOND)
    yield Rule("activator's report", OBJECT, OfTheOtherRevision, ("rollout",))
    yield Rule("every second report", DROPPED, EverySecond, THROUGH)
    yield Rule(
        "first request's report", DROPPED, _told(lambda stat: None if stat.immediate else stat), ("twice",), INSTANT
    )
    yield Rule("what an activator counts already", DOUBLED, _counted_twice(), THROUGH)
    yield Rule("pod's report", DROPPED, _said(lambda stat: _pod(stat, 0.0)), DIRECT)
    yield Rule("pod's report", DOUBLED, _said(lambda stat: _pod(stat, 2.0)), DIRECT)
    yield Rule("pod's report", UNIT, _said(lambda stat: _pod(stat, 1 / 60.0)), DIRECT)
    yield Rule("pod's report", DELAYED, LatePod, DIRECT)
    yield Rule("pod's report", OBJECT, _said(_other_metric), DIRECT)
    yield Rule("pod's report", SCOPE, OfOnePod, DIRECT)


def _measured(change: Callable[[Stat], Stat]) -> type[Behaviour]:
    def measured(self: Behaviour, stat: Stat) -> Stat:
        del self
        return change(stat)

    return made("ChangedMeasure", measured=measured)


def _scaled(factor: float) -> Callable[[Stat], Stat]:
    return lambda stat: Stat(*(value * factor for value in stat))


def _other(stat: Stat) -> Stat:
    """Requests per second in the place of requests in flight, and the other way round."""
    return Stat(stat.rps, stat.proxied_rps, stat.concurrency, stat.proxied_concurrency)


def _told(change: Callable[[ActivatorStat], ActivatorStat | None]) -> type[Behaviour]:
    def activator_report(self: Behaviour, stat: ActivatorStat) -> ActivatorStat | None:
        del self
        return change(stat)

    return made("ChangedReport", activator_report=activator_report)


def _activator(stat: ActivatorStat, factor: float) -> ActivatorStat:
    return replace(stat, concurrency=stat.concurrency * factor, request_count=stat.request_count * factor)


def _said(change: Callable[[PodStat], PodStat]) -> type[Behaviour]:
    def pod_report(self: Behaviour, stat: PodStat) -> PodStat:
        del self
        return change(stat)

    return made("ChangedScrape", pod_report=pod_report)


def _pod(stat: PodStat, factor: float) -> PodStat:
    return replace(stat, concurrency=stat.concurrency * factor, request_count=stat.request_count * factor)


def _other_metric(stat: PodStat) -> PodStat:
    return replace(stat, concurrency=stat.request_count, request_count=stat.concurrency)


def _counted_twice() -> type[Behaviour]:
    """Pods report what came through an activator as their own, too."""

    def counts_as_proxied(self: Behaviour, request: Request) -> bool:
        del self, request
        return False

    return made("CountedTwice", counts_as_proxied=counts_as_proxied)


class LateActivator(Behaviour):
    """Tells what was counted ten seconds ago."""

    def __init__(self) -> None:
        self._told: dict[RevisionKey, list[ActivatorStat]] = {}

    def activator_report(self, stat: ActivatorStat) -> ActivatorStat | None:
        queue = self._told.setdefault(stat.revision, [])
        queue.append(stat)
        return queue.pop(0) if len(queue) > LATE_REPORTS else None


class LatePod(Behaviour):
    """Says what was counted ten seconds ago."""

    def __init__(self) -> None:
        self._said: dict[str, list[PodStat]] = {}

    def pod_report(self, stat: PodStat) -> PodStat:
        queue = self._said.setdefault(stat.pod, [])
        queue.append(stat)
        return queue.pop(0) if len(queue) > LATE_REPORTS else _pod(stat, 0.0)


class ExchangedReports(Behaviour):
    """Two reports at a time change places."""

    def __init__(self) -> None:
        self._kept: dict[RevisionKey, ActivatorStat] = {}

    def activator_report(self, stat: ActivatorStat) -> ActivatorStat | None:
        kept = self._kept.pop(stat.revision, None)
        if kept is None:
            self._kept[stat.revision] = stat
        return stat if kept is None else kept


class OfTheOtherRevision(Behaviour):
    """Books what is counted for one revision to the one before it."""

    def __init__(self) -> None:
        self._seen: list[RevisionKey] = []

    def activator_report(self, stat: ActivatorStat) -> ActivatorStat:
        if stat.revision not in self._seen:
            self._seen.append(stat.revision)
        position = self._seen.index(stat.revision)
        return replace(stat, revision=self._seen[max(0, position - 1)])


class EverySecond(Behaviour):
    """Loses every second report."""

    def __init__(self) -> None:
        self._count = 0

    def activator_report(self, stat: ActivatorStat) -> ActivatorStat | None:
        self._count += 1
        return stat if self._count % 2 else None


class OfOnePod(Behaviour):
    """Hears one pod alone."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def pod_report(self, stat: PodStat) -> PodStat:
        first = self._first.setdefault(stat.pod.rpartition("-deployment-")[0], stat.pod)
        return stat if stat.pod == first else _pod(stat, 0.0)
