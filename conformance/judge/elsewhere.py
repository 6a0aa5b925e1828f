"""Which recordings a requirement is held to beside that of its own scenario.

A scenario is made for the requirements that name it, yet most checks read all they need from a recording: what is
promised there is promised everywhere. So every recording of a run is judged by every requirement that fits it, and a
failure counts wherever it shows. Nothing else of the other recordings counts: they were not made to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from conformance.catalogue.requirement import Requirement
from conformance.judge import import_applicability
from conformance.judge.finding import Check
from conformance.judge.history import History
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.once import once
from conformance.recording.service_bodies import InferenceServiceBody

STOP_ANNOTATION = "serving.kserve.io/stop"


def fitting(requirement: Requirement, check: Check | None, histories: Iterable[History]) -> Iterator[History]:
    """Recordings of other scenarios that the requirement is held to as well."""
    if check is None or check.specific:
        return
    for history in histories:
        if history.name == requirement.scenario or not _ordinary(history):
            continue
        if not import_applicability.unfit(history, requirement.parameters.when):
            yield history


@once
def _ordinary(history: History) -> bool:
    """Whether a service was there all the time: one that is refused or stopped has neither pods nor a minimum."""
    if history.outcome != "complete" or any(span.kind == "refuse" for span in history.spans):
        return False
    stopped = (fact.body.annotations.get(STOP_ANNOTATION) for fact in history.of(InferenceServiceBody))
    return not any(text == "true" for text in stopped)


def decided(home: Judgement, others: Iterable[Judgement]) -> Judgement:
    """The verdict by all recordings: that of the requirement's own, unless another one shows a failure."""
    if home.verdict in (Verdict.FAIL, Verdict.ERROR):
        return home
    for wanted in (Verdict.ERROR, Verdict.FAIL):
        for other in others:
            if other.verdict is wanted:
                said = f"in its own scenario {home.scenario}: {home.verdict.value}"
                return replace(other, notes="; ".join(filter(None, (other.notes, said))))
    return home
