"""What a requirement looks at: the component in question, its revisions and its pods."""

from __future__ import annotations

from conformance.catalogue.check_parameters import CheckParameters, ComponentParameters
from conformance.judge.band import Band, band
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, Revision
from conformance.judge.step_function import StepFunction, summed


def component(history: History, parameters: CheckParameters) -> str:
    """The component that the parameters name, or else the one that takes the traffic."""
    named = parameters.component if isinstance(parameters, ComponentParameters) else None
    return named or next(iter(history.components), "predictor")


def revisions(history: History, parameters: CheckParameters) -> list[Revision]:
    """Revisions of the component in question that had pods. Raises NotShownError without any."""
    name = component(history, parameters)
    found = [revision for revision in history.component(name) if revision.pods]
    if not found:
        raise NotShownError(f"no pod of {name} was seen")
    return found


def served(history: History, parameters: CheckParameters) -> list[Revision]:
    """Revisions of the component in question that had pods, and the last one if it took over without any. Raises
    NotShownError where no pod was seen."""
    found = revisions(history, parameters)
    last = history.component(component(history, parameters))[-1]
    return [*found, last] if last.needed_no_pod and last not in found else found


def all_pods(history: History, parameters: CheckParameters) -> StepFunction:
    """Pods of the component in question over time, all revisions together."""
    return summed([history.counts(revision).total for revision in revisions(history, parameters)])


def loaded(history: History, parameters: CheckParameters) -> list[tuple[Revision, Band]]:
    """Revisions of the component in question that had pods, with their bands. Raises NotShownError without a load, and
    ArithmeticError for a band whose least lies above its most: the suite's own fault, by which nobody is judged."""
    found = revisions(history, parameters)
    if not any(len(load.rows) for load in history.loads):
        raise NotShownError("no load was recorded")
    pairs = [(revision, band(history, revision)) for revision in found]
    for revision, limits in pairs:
        if limits.inside_out > 0:
            raise ArithmeticError(
                f"the band of {revision.name} has its least {limits.inside_out:g} pods above its most"
            )
    return pairs
