"""Whether a recording could have failed: the faults that a requirement names, held against the same check.

A requirement passes only where each of them would have failed on this recording's own load and ready pods, by the same
band and the same tolerance. What a PASS proves is so read from the run, not from the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge import expectations, subject, verdict_text
from conformance.judge.band import band
from conformance.judge.finding import Check, Finding, NotShownError
from conformance.judge.history import History
from conformance.judge.judgement import POWER, Judgement, Reason, Verdict
from conformance.judge.once import once
from conformance.judge.suppositions import suppose

WIDE_SHARE: Final = 0.15
"""From this share of the load on, its two sides lie so far apart that they blur a fault of the count."""
TELLING_PODS: Final = 4.6
"""From one pod to so many, rounded up, enters panic, and rounding up and down differ."""
IDLE_FAULTS: Final = ("min-replicas-", "min-scale-", "minimum-", "zero-")
"""Beginnings of the names of faults that show without requests."""
SHORT_SHARE: Final = 0.1
"""A way there and back of more than this share of the model's time makes them do so."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One fault held against a check."""

    fault: str
    excluded: bool
    """The check would have failed on every platform with this fault."""
    nearest: Finding | None = None
    """What it would have found where it would not have failed."""


def probe(history: History, check: Check, parameters: CheckParameters, fault: str) -> Probe | None:
    """Hold one fault against a check; None for a fault that shows in other things than pod counts."""
    return _probe(history, check, parameters, fault)


@once
def _probe(history: History, check: Check, parameters: CheckParameters, fault: str) -> Probe | None:
    found = None
    for supposed in suppose(history, parameters, fault):
        found = found or Probe(fault, excluded=True)
        try:
            finding = check.look(supposed, parameters)
        except NotShownError:
            continue
        if finding.verdict is Verdict.PASS:
            return Probe(fault, excluded=False, nearest=finding)
    return found


def lacking(history: History, parameters: CheckParameters, probes: Iterable[Probe]) -> tuple[Reason, ...]:
    """A reason for each fault that would have passed as well: how near it came, and what would tell."""
    return tuple(
        Reason(
            POWER, f"{each.fault} would pass too: {_figures(each.nearest)}", "every named fault fails", False,
            _remedy(history, parameters, each.fault),
        )
        for each in probes if not each.excluded
    )  # fmt: skip


def _figures(finding: Finding | None) -> str:
    if finding is None:
        return "not told"
    return verdict_text.headline(Judgement("", finding.verdict, expected=finding.expected, measured=finding.measured))


def _remedy(history: History, parameters: CheckParameters, fault: str) -> str:
    """What would tell the fault: less overhead beside the model's time where that blurs the load, or another load."""
    service_seconds = history.scenario.service_ms / 1000.0
    share = blur(history, parameters)
    if share >= WIDE_SHARE and service_seconds:
        return (
            f"the load that the autoscaler may have measured is known to {share:.0%} only, for the way there and back "
            f"beside a model of {service_seconds * 1000:.0f} ms: a model that takes longer, or a less busy cluster"
        )
    if fault.startswith(IDLE_FAULTS):
        how = ": --plan with a last phase {shape: idle, seconds: 150}" if history.scenario.own else ""
        return f"a longer time without requests{how}"
    if history.scenario.own and (wanting := _more_pods(history, parameters)):
        return wanting
    return "another load or a longer one, whose right and wrong counts lie farther apart"


def _more_pods(history: History, parameters: CheckParameters) -> str:
    """For a service of one's own whose load never asks for more pods than the minimum: which would."""
    for revision in history.component(subject.component(history, parameters)):
        if not revision.pods:
            continue
        found = expectations.parameters(history, revision)
        least = max(1, found.min_scale)
        if float(band(history, revision).high.max()) > least:
            continue
        enough = math.ceil(TELLING_PODS * found.target_value)
        flag = f"-rate {enough}" if found.metric == "rps" else f"-c {enough}"
        return (
            f"this load asks for {least} pod{'s' if least > 1 else ''} only, at {found.target_value:g} of "
            f"{found.metric} a pod: {flag} -z 60s asks for five, as less does with a lower scaleTarget"
        )
    return ""


def blur(history: History, parameters: CheckParameters) -> float:
    """How far the least and the greatest load lie apart at the median, as a share of the greatest; 0 without one."""
    found = 0.0
    for revision in history.component(subject.component(history, parameters)):
        load = band(history, revision).demand if revision.pods else None
        if load is None or np.isnan(load.start) or load.end - load.start < 2.0:
            continue
        least, most = load.mean(np.arange(load.start, load.end, 1.0))
        busy = most > 0
        if busy.any():
            found = max(found, float(np.median(1.0 - least[busy] / most[busy])))
    return found
