"""What a HorizontalPodAutoscaler says of itself: its conditions against those of a conforming one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters
from conformance.catalogue.entries import OneOf
from conformance.judge.checks.horizontal_scaling import judged
from conformance.judge.finding import Finding, NotShownError, check, margin, verdict
from conformance.judge.history import History
from conformance.judge.horizontal_band import ACTING_SECONDS, AHEAD_SECONDS, SETTINGS, HorizontalBand
from conformance.judge.horizontal_record import HorizontalRecord
from conformance.judge.judgement import Expected, Measured
from conformance.model.horizontal_autoscaler import ACTIVE, LIMITED
from conformance.recording.body import ChangeType
from conformance.recording.service_bodies import AutoscalerResourceBody

STANDS_SECONDS: Final = SETTINGS.sync_seconds + ACTING_SECONDS + AHEAD_SECONDS
"""So long what one look found may still be told: until the next, by whichever phase it comes."""
SHOWN_SECONDS: Final = 20.0
"""So long a conforming autoscaler has to have said the one thing, whatever its phase: twice what is granted."""

Said: TypeAlias = tuple[bool, str]
"""Status and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalConditionParameters(CheckParameters):
    """Parameters of `horizontal-condition`."""

    condition: Annotated[str, OneOf((ACTIVE, LIMITED))]
    """Its type."""
    reason: str
    """The reason that the load, or what befalls the cluster, has to bring about."""
    most_seconds: float = 10.0
    """Seconds that are granted in which something else is said than any conforming autoscaler says."""


@check("horizontal-condition", HorizontalConditionParameters, "observer", "clock", "capacity")
def horizontal_condition(history: History, parameters: HorizontalConditionParameters) -> Finding:
    """In Standard mode a condition of the autoscaler is what a conforming one says at some phase of its looks, and the
    wanted reason is said where it has to be."""
    found = [(record, *_seconds(history, record, band, parameters)) for record, band in judged(history)]
    record, wrong, shown = max(found, key=lambda each: len(each[1]))
    if max(len(each[2]) for each in found) < SHOWN_SECONDS:
        raise NotShownError(f"there were no {SHOWN_SECONDS:g} s in which {parameters.reason} had to be said")
    ok = len(wrong) <= parameters.most_seconds
    unit = "s in which something else is said"
    facts: tuple[str, ...] = ()
    if not ok:
        said = _told(history, record, parameters, wrong[0])
        facts = (f"t={wrong[0]:.0f} s: {parameters.condition} of {record.name} is {said[0]}, {said[1] or 'not told'}",)
    return Finding(
        verdict(ok),
        Expected("modelled", f"{parameters.condition} as Kubernetes says it", None, parameters.most_seconds, unit),
        Measured(float(len(wrong)), unit, samples=len(shown)),
        margin(float(len(wrong)), parameters.most_seconds) if ok else None,
        facts,
        () if ok else ((wrong[0], wrong[-1], f"{parameters.condition} wrong"),),
        exercised=f"{len(shown)} s in which {parameters.reason} had to be said",
    )


def _seconds(
    history: History, record: HorizontalRecord, band: HorizontalBand, parameters: HorizontalConditionParameters
) -> tuple[list[float], list[float]]:
    """Seconds with a condition that no conforming autoscaler has then, and those in which all have the wanted one."""
    wrong, shown = [], []
    # Before its first look an autoscaler has said nothing.
    for t in band.times[(band.known > 0) & (band.times > record.start + STANDS_SECONDS)]:
        allowed = _allowed(band, float(t), parameters.condition)
        told = _told(history, record, parameters, float(t))
        if allowed and told not in allowed:
            wrong.append(float(t))
        if {reason for _, reason in allowed} == {parameters.reason}:
            shown.append(float(t))
    return wrong, shown


def _allowed(band: HorizontalBand, t: float, condition: str) -> set[Said]:
    """What conforming autoscalers say at a time."""
    found: set[Said] = set()
    for member in band.members:
        times = [at for at, _ in member.told]
        first, last = np.searchsorted(times, (t - STANDS_SECONDS, t + AHEAD_SECONDS))
        found |= {member.told[place][1].get(condition, (False, "")) for place in range(first, last)}
    return found


def _told(history: History, record: HorizontalRecord, parameters: HorizontalConditionParameters, t: float) -> Said:
    """What the autoscaler had said last."""
    found: Said = (False, "")
    for fact in history.of(AutoscalerResourceBody):
        if fact.t > t:
            break
        if fact.body.name == record.name and fact.body.change is not ChangeType.DELETED:
            said = (fact.body.conditions or {}).get(parameters.condition)
            found = (False, "") if said is None else (said.status == "True", said.reason)
    return found
