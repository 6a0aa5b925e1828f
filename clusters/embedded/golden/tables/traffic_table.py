"""The rules of the data path, replayed on the embedded platform's own parts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from clusters.embedded.dataplane.activator_meter import ActivatorMeter
from clusters.embedded.dataplane.breaker import Breaker, QueueFullError
from clusters.embedded.dataplane.policy import Tracker, policy_for
from clusters.embedded.dataplane.revision import RevisionKey, RevisionSpec
from clusters.embedded.dataplane.share import assigned, capacity
from clusters.embedded.dataplane.stats import RequestStats
from clusters.embedded.dataplane.throttler import Throttler
from clusters.embedded.golden.tables.table_rows import Row, read_rows
from clusters.embedded.golden.tally import ReplayTally
from conformance.base.clock import run_virtual

_REVISION: Final = RevisionKey("golden", "revision")
_QUEUE_PER_SLOT: Final = 10


def replay_stats(tally: ReplayTally, sequence: Mapping[str, Any]) -> None:
    """request_stats: arrivals and departures, those of a report's own second before it."""
    stats = RequestStats(0.0)
    events = list(sequence["events"] or ())
    for row in sequence["reports"]:
        report = dict(zip(sequence["report_cols"], row, strict=True))
        while events and events[0][0] <= report["t"]:
            at, event = events.pop(0)
            if event.endswith("in"):
                stats.arrive(at, proxied=event.startswith("proxied"))
            else:
                stats.leave(at, proxied=event.startswith("proxied"))
        ours = stats.report(report["t"])
        got = {
            "t": report["t"],
            "average_concurrency": ours.average_concurrency,
            "average_proxied_concurrency": ours.average_proxied_concurrency,
            "request_count": ours.request_count,
            "proxied_count": ours.proxied_count,
        }
        tally.compare(f"{sequence['sequence']}, report at {report['t']}", report, got)


def replay_activator(tally: ReplayTally, sequence: Mapping[str, Any]) -> None:
    """activator_reports: what an activator sends for one revision; a report comes before arrivals of its instant."""
    meter = ActivatorMeter("activator")
    # Nanoseconds are the recorder's resolution; finer differences are noise of the file's floats.
    events = [(round(start, 9), 1, "in") for start, _ in sequence["requests_in_out"]]
    events += [(round(end, 9), 1, "out") for _, end in sequence["requests_in_out"]]
    recorded = [dict(zip(sequence["messages_cols"], row, strict=True)) for row in sequence["messages"]]
    events += [(float(second), 0, "report") for second in range(1, int(recorded[-1]["t"]) + 2 if recorded else 1)]
    messages: list[dict[str, Any]] = []
    for at, _, event in sorted(events):
        if event == "in":
            message = meter.arrive(_REVISION, at)
            sent = [] if message is None else [message]
        elif event == "out":
            meter.leave(_REVISION, at)
            sent = []
        else:
            sent = meter.report(at)
        messages += [
            {
                "t": at,
                "kind": "immediate" if message.immediate else "report",
                "concurrency": message.concurrency,
                "count": message.request_count,
            }
            for message in sent
        ]
    for number in range(max(len(recorded), len(messages))):
        expected = recorded[number] if number < len(recorded) else dict.fromkeys(sequence["messages_cols"])
        got = messages[number] if number < len(messages) else {}
        tally.compare(f"{sequence['sequence']}, message {number + 1}", expected, got)


def answer_capacity(row: Row) -> dict[str, Any]:
    """throttler_capacity: requests an activator lets through at a time."""
    inputs = (row["container_concurrency"], row["backends"], row["assigned_trackers"], row["activators"])
    return {"capacity": capacity(*inputs)}


def answer_subset(row: Row) -> dict[str, Any]:
    """throttler_subset: which of the sorted pods an activator uses."""
    return {"assigned": assigned(range(row["pods"]), row["activator_index"], row["activators"])}


def replay_policy(tally: ReplayTally, table: Mapping[str, Any]) -> None:
    """throttler_lb: [i] picks pod i, [-1] finds none free, [-2, k] releases the k-th pick still open."""
    for place, row in read_rows(table):
        concurrency = row["container_concurrency"]
        policy = policy_for(concurrency, random.Random(0))
        trackers = [Tracker(f"pod-{number:03}", concurrency) for number in range(row["pods"])]
        picked: list[Tracker] = []
        for number, (operation, *released) in enumerate(row["ops"]):
            if released:
                picked.pop(released[0]).release()
                continue
            tracker = policy.pick(trackers)
            if tracker is not None:
                picked.append(tracker)
            got = -1 if tracker is None else trackers.index(tracker)
            tally.compare(f"{place}, operation {number + 1}", {"pod": operation}, {"pod": got})


def answer_breaker(row: Row) -> dict[str, Any]:
    """queue_breaker: simultaneous requests at a pod's queue-proxy."""
    concurrency = row["container_concurrency"]
    breaker = Breaker(concurrency, _QUEUE_PER_SLOT * concurrency)
    outcomes = _offer([breaker.enter() for _ in range(row["sent"])])
    return {
        "running": outcomes["running"],
        "waiting": outcomes["waiting"],
        "rejected_503": outcomes["refused"],
        "other": 0,
    }


def answer_queue(row: Row) -> dict[str, Any]:
    """throttler_queue: requests at an activator for a revision without pods."""
    from clusters.embedded.behaviour.platform_behaviour import DataBehaviour

    spec = RevisionSpec(_REVISION, container_concurrency=row["container_concurrency"])
    throttler = Throttler(spec, DataBehaviour(), random.Random(0))
    outcomes = _offer([throttler.acquire() for _ in range(row["sent"])])
    return {"waiting": outcomes["waiting"], "refused": outcomes["refused"]}


def _offer(requests: Sequence[Coroutine[Any, Any, Any]]) -> Counter[str]:
    """Let every request go as far as it gets at once: how many run, wait or were refused."""

    async def offer() -> Counter[str]:
        outcomes: Counter[str] = Counter()
        for request in requests:
            try:
                request.send(None)
            except StopIteration:
                outcomes["running"] += 1
            except QueueFullError:
                outcomes["refused"] += 1
            else:
                outcomes["waiting"] += 1
        for request in requests:
            request.close()
        return outcomes

    return run_virtual(offer())
