"""From recordings and the catalogue to judgements: pure, one attempt, every requirement exactly once."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from conformance.catalogue.own_catalogue import OWN_FOLDER
from conformance.catalogue.requirement import KNOWN_PROFILES, OWN_PROFILE, PROFILES, Requirement
from conformance.judge import (
    applicability,
    elsewhere,
    import_applicability,
    power,
    scaling,
    serial,
    subject,
    validity,
)
from conformance.judge.checks import REGISTRY
from conformance.judge.diagnosis import by_scenario
from conformance.judge.finding import Check, Finding, NotShownError, OutOfReachError, PodCounts
from conformance.judge.history import History, read
from conformance.judge.judged_run import JudgedRun, read_histories
from conformance.judge.judgement import Confidence, Judgement, Reason, Verdict
from conformance.judge.requirements import catalogue, own_requirements
from conformance.judge.run_facts import Context
from conformance.judge.suppositions import local
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run, ScenarioRun
from conformance.recording.service_bodies import PodAutoscalerBody

SAMPLE_SIZE: Final = "SAMPLE_SIZE"
"""The code of what a recording does not show."""
_ENDED: Final = {
    "failed": ("PLATFORM_FAILED", "see the reason and run again"),
    "error": ("HARNESS_FAILED", "see the reason and run again"),
    "skipped": ("CAPACITY_ROOM", "run it on a larger cluster"),
    "not-ours": ("NOT_OURS", "run it where the suite makes the cluster: --cluster embedded, kind or k3s"),
}
"""Code and remedy where a scenario ended without a recording, by its outcome."""
WITNESS_TELLS: Final = "only the witness says so of itself: try it with --witness, which puts it in the model's place"
_ORDER: Final = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)
"""Of several recordings of one requirement the first of these decides."""


def judge(recording: Recording, requirement: Requirement, context: Context | None = None) -> Judgement:
    """Judge one requirement by one recording."""
    return judge_history(read(recording), requirement, context or Context())


def judge_history(
    history: History, requirement: Requirement, context: Context, others: Sequence[History] = ()
) -> Judgement:
    """Judge one requirement by a recording that is already parsed, and by others of the same run that it applies to:
    each may fail it, and what one of them excludes is excluded."""
    home = looked_at(history, requirement, context)
    if {reason.code for reason in home.reasons} == {SAMPLE_SIZE}:
        # What a documented example does not show its companion does.
        companions = [other for other in others if other.name in requirement.companions]
        shown = [looked_at(other, requirement, context) for other in companions]
        at = next((position for position, each in enumerate(shown) if each.verdict is Verdict.PASS), None)
        if at is not None:
            home, history = shown[at], companions[at]
            others = [other for other in others if other is not history]
    found = [looked_at(other, requirement, context) for other in others]
    judgement = elsewhere.decided(home, found)
    if judgement.verdict is not Verdict.PASS:
        return judgement
    passed = [other for other, by in zip(others, found, strict=True) if by.verdict is Verdict.PASS]
    try:
        return _proved(judgement, requirement, [history, *passed])
    except Exception as error:  # noqa: BLE001  a supposed platform may show what a check has never met
        return _error(requirement, history.name, _where(error))


def looked_at(history: History, requirement: Requirement, context: Context) -> Judgement:
    """What the check says, whatever it would have said of a broken platform."""
    check = REGISTRY.checks.get(requirement.check or "")
    if check is None:
        return _error(requirement, history.name, f"no check is called {requirement.check!r}")
    reasons = _incomplete(history, check)
    if not reasons or history.outcome == "failed":
        # Of what the suite itself broke off, its load and its watches would only say that it was.
        reasons += validity.against(history, check.touches) + _beyond(context)
    if reasons:
        return _judgement(requirement, history, Verdict.INCONCLUSIVE, reasons=reasons)
    try:
        finding = check.look(history, requirement.parameters)
    except NotShownError as missing:
        return _not_shown(requirement, history, missing)
    except Exception as error:  # noqa: BLE001  one of the two places where an exception becomes a verdict
        return _error(requirement, history.name, _where(error))
    return _found(requirement, history, finding)


def judge_run(folder: Path) -> JudgedRun:
    """Judge every requirement of a run's profiles. Raises ValueError when it is not a run folder, or claims a profile
    that this suite does not know."""
    run = Run.read(folder)
    return _judged(folder, run, *read_histories(folder, run))


def judge_scenario(folder: Path, run: Run) -> JudgedRun:
    """Judge the one scenario that a run, not yet over, has so far."""
    return _judged(folder, run, *read_histories(folder, run))


def judge_again(before: JudgedRun) -> JudgedRun:
    """What this suite says of a run that was judged before, from the recordings as they were parsed then. Raises
    ValueError when it claims a profile that this suite does not know."""
    return _judged(before.folder, before.run, before.histories, before.unreadable)


def _judged(folder: Path, run: Run, histories: Mapping[str, History], unreadable: Mapping[str, str]) -> JudgedRun:
    if unknown := sorted(set(run.profiles) - set(KNOWN_PROFILES)):
        raise ValueError(f"{folder / 'run.json'}: no profile is called {unknown[0]!r}; known are {', '.join(PROFILES)}")
    context = Context(
        profiles=run.profiles,
        features=run.features,
        accelerator=str((run.environment.get("accelerator") or {}).get("kind", "none")),
        deviations=run.deviations,
    )
    unrecorded = {entry.name: entry.reason or "nothing was recorded" for entry in run.scenarios}
    found: dict[str, History | str] = {**unrecorded, **unreadable, **histories}
    own = own_requirements(folder / OWN_FOLDER) if OWN_PROFILE in run.profiles else ()
    requirements = tuple(entry for entry in (*catalogue(), *own) if entry.profile in run.profiles)
    judgements = [_one(entry, run, context, found) for entry in requirements]
    judgements = _explained(judgements, requirements, histories)
    return JudgedRun(folder, run, tuple(map(serial.as_stored, judgements)), requirements, histories, unreadable)


def _explained(
    judgements: list[Judgement], requirements: Sequence[Requirement], histories: Mapping[str, History]
) -> list[Judgement]:
    """Failures of decided counts told what the whole run is consistent with."""
    wrong = [_explainable(each.verdict, by) for each, by in zip(judgements, requirements, strict=True)]
    if not any(wrong):
        return judgements
    failed = {each.scenario or "" for each, counts in zip(judgements, wrong, strict=True) if counts}
    fitted = {
        name: each for name, each in histories.items() if name in failed or len(each.revisions) == len(each.components)
    }
    found = by_scenario(fitted, failed)
    return [
        replace(each, consistent_with=found) if counts else each for each, counts in zip(judgements, wrong, strict=True)
    ]


def _one(requirement: Requirement, run: Run, context: Context, histories: Mapping[str, History | str]) -> Judgement:
    """One requirement by what its scenario left: a history, or why there is none."""
    if requirement.not_testable:
        return Judgement(requirement.id, Verdict.NOT_APPLICABLE, notes=f"not testable: {requirement.not_testable}")
    excluded = applicability.excluded(requirement, context)
    if excluded:
        return Judgement(requirement.id, Verdict.NOT_APPLICABLE, notes=excluded)
    scenario = requirement.scenario or ""
    if scenario in histories:
        found = histories[scenario]
        recorded = [each for _, each in sorted(histories.items()) if isinstance(each, History)]
        fitting = elsewhere.fitting(requirement, REGISTRY.checks.get(requirement.check or ""), recorded)
        beside = [each for each in recorded if each.name in requirement.companions]
        others = tuple(dict.fromkeys([*fitting, *beside]))
        outcome = next(entry for entry in run.scenarios if entry.name == scenario)
        if isinstance(found, str):
            home = _unrecorded(requirement, outcome, found)
            return elsewhere.decided(home, [looked_at(each, requirement, context) for each in others])
        return judge_history(found, requirement, context, others)
    imported = [each for each in histories.values() if isinstance(each, History) and each.imported]
    if imported:
        found_in = [_imported(each, requirement, context) for each in imported]
        chosen = _decide(found_in, requirement)
        passed = [each for each, by in zip(imported, found_in, strict=True) if by.verdict is Verdict.PASS]
        return _proved(chosen, requirement, passed) if chosen.verdict is Verdict.PASS else chosen
    if scenario in run.selected:
        return _judgement_missing(requirement, scenario, "the scenario was chosen but has no outcome")
    return Judgement(requirement.id, Verdict.SKIPPED, scenario, notes=f"scenario {scenario} was not chosen")


def _imported(history: History, requirement: Requirement, context: Context) -> Judgement:
    reason = _elsewhere_about(history, requirement) or import_applicability.unfit(history, requirement.parameters.when)
    if reason:
        return Judgement(requirement.id, Verdict.NOT_APPLICABLE, history.name, notes=reason)
    return looked_at(history, requirement, context)


def _elsewhere_about(history: History, requirement: Requirement) -> str:
    """Why a requirement says nothing of a service of somebody's own; empty where it may."""
    check = REGISTRY.checks.get(requirement.check or "")
    if not history.scenario.own or check is None:
        return ""
    if check.specific:
        return f"it is about the manifest of {requirement.scenario}"
    if requirement.profile == "autoscaling-kpa" and not history.of(PodAutoscalerBody):
        return "no PodAutoscaler was seen: the service is in Standard mode, where Knative's autoscaler counts nothing"
    return ""


def _decide(judgements: Sequence[Judgement], requirement: Requirement) -> Judgement:
    for verdict in _ORDER:
        found = [each for each in judgements if each.verdict is verdict]
        if found and verdict is not Verdict.NOT_APPLICABLE:
            return found[0]
    notes = judgements[0].notes if len(judgements) == 1 else "no recording holds what this requirement looks at"
    return Judgement(requirement.id, Verdict.NOT_APPLICABLE, notes=notes or "not shown")


def _incomplete(history: History, check: Check) -> tuple[Reason, ...]:
    if history.outcome == "complete" or check.incomplete:
        return ()
    code = {"failed": "PLATFORM_FAILED", "error": "HARNESS_FAILED"}.get(history.outcome, "RECORDING_INTERRUPTED")
    remedy = {
        "PLATFORM_FAILED": "see the reason; mend the platform or the way to it and run again",
        "HARNESS_FAILED": "report this together with the recording",
    }.get(code, "let the run come to its end")
    return (Reason(code, history.reason or history.outcome, "complete", False, remedy),)


def _beyond(context: Context) -> tuple[Reason, ...]:
    found = []
    for entry in context.deviations:
        limit, used = entry.limit, entry.used
        if isinstance(limit, int | float) and isinstance(used, int | float) and used > limit:
            remedy = f"set {entry.name} to at most {limit:g}"
            found.append(Reason("SETTING_BEYOND_LIMIT", f"{entry.name}={used:g}", f"<= {limit:g}", False, remedy))
    return tuple(found)


def _found(requirement: Requirement, history: History, finding: Finding) -> Judgement:
    verdict = finding.verdict
    if verdict is Verdict.FAIL and requirement.level == "MAY":
        verdict = Verdict.NOT_APPLICABLE
    return Judgement(
        requirement=requirement.id,
        verdict=verdict,
        scenario=history.name,
        expected=finding.expected,
        measured=finding.measured,
        confidence=Confidence(exercised=finding.exercised) if finding.exercised else None,
        margin=finding.margin,
        reasons=finding.reasons,
        notes=finding.notes,
        facts=_with_last_report(verdict, requirement, history, finding),
        moments=finding.located(history.name),
        evidence=_evidence(history),
    )


def _proved(judgement: Judgement, requirement: Requirement, passed: Sequence[History]) -> Judgement:
    """A PASS with what it proves; INCONCLUSIVE where a fault that the requirement names would have passed on each of
    the recordings, its own first. A fault that shows in some services alone is excluded by that one or not at all."""
    check = REGISTRY.checks[requirement.check or ""]
    if check.counts is PodCounts.NONE:
        return replace(judgement, confidence=_exercised(judgement))
    excluded: list[str] = []
    missed: list[power.Probe] = []
    for fault in requirement.faults:
        first: power.Probe | None = None
        for history in passed[:1] if local(fault) else passed:
            found = power.probe(history, check, requirement.parameters, fault)
            if found is None or found.excluded:
                first = found
                break
            first = first or found
        if first is not None:
            excluded += [first.fault] if first.excluded else []
            missed += [] if first.excluded else [first]
    if not missed:
        return replace(judgement, confidence=replace(_exercised(judgement), excluded=tuple(excluded)))
    reasons = power.lacking(passed[0], requirement.parameters, missed)
    return replace(
        judgement, verdict=Verdict.INCONCLUSIVE, margin=None, reasons=(*judgement.reasons, *reasons),
        confidence=Confidence(tuple(excluded)) if excluded else None,
    )  # fmt: skip


def _exercised(judgement: Judgement) -> Confidence:
    if judgement.confidence is not None:
        return judgement.confidence
    samples = None if judgement.measured is None else judgement.measured.samples
    return Confidence(exercised="" if samples is None else f"{samples} samples")


def _with_last_report(
    verdict: Verdict, requirement: Requirement, history: History, finding: Finding
) -> tuple[str, ...]:
    """A failed count's facts, and what the autoscaler reported at that moment: evidence, which decides nothing."""
    if not _explainable(verdict, requirement) or not finding.moments:
        return finding.facts
    component = subject.component(history, requirement.parameters)
    found = (scaling.last_report(history, each, finding.moments[0][0]) for each in history.component(component))
    return (*finding.facts, *(text for text in found if text))


def _explainable(verdict: Verdict, requirement: Requirement) -> bool:
    check = REGISTRY.checks.get(requirement.check or "")
    return verdict is Verdict.FAIL and check is not None and check.counts is PodCounts.DECIDED


def _judgement(
    requirement: Requirement, history: History, verdict: Verdict, reasons: Iterable[Reason] = (), notes: str = ""
) -> Judgement:
    return Judgement(
        requirement.id, verdict, history.name, reasons=tuple(reasons), notes=notes, evidence=_evidence(history)
    )


def _evidence(history: History) -> tuple[str, ...]:
    place = f"recording/{history.recording.folder.name}"
    return (f"{place}/facts.jsonl", *(f"{place}/load-{load.index}.rows" for load in history.loads))


def _not_shown(requirement: Requirement, history: History, missing: NotShownError) -> Judgement:
    text = str(missing)
    if history.scenario.own and missing.witness:
        reason = Reason(SAMPLE_SIZE, text, "enough to decide", False, WITNESS_TELLS)
        return _judgement(requirement, history, Verdict.INCONCLUSIVE, (reason,), text)
    if history.imported or isinstance(missing, OutOfReachError):
        return Judgement(requirement.id, Verdict.NOT_APPLICABLE, history.name, notes=text)
    remedy = "run the scenario again; if it stays, the platform's set-up does not let this requirement show"
    reason = Reason(SAMPLE_SIZE, text, "enough to decide", False, remedy)
    return _judgement(requirement, history, Verdict.INCONCLUSIVE, (reason,), text)


def _unrecorded(requirement: Requirement, outcome: ScenarioRun, why: str) -> Judgement:
    verdict = Verdict.ERROR if outcome.outcome == "error" else Verdict.INCONCLUSIVE
    code, remedy = _ENDED.get(outcome.outcome, ("RECORDING_INTERRUPTED", "see the reason and run again"))
    reason = Reason(code, why, "a readable recording", False, remedy)
    return Judgement(requirement.id, verdict, outcome.name, reasons=(reason,))


def _judgement_missing(requirement: Requirement, scenario: str, why: str) -> Judgement:
    reason = Reason("RECORDING_INTERRUPTED", why, "a recording", False, "let the run come to its end")
    return Judgement(requirement.id, Verdict.INCONCLUSIVE, scenario, reasons=(reason,))


def _error(requirement: Requirement, scenario: str, text: str) -> Judgement:
    reason = Reason("JUDGE_FAILED", text, "a verdict", False, "report this together with the recording")
    return Judgement(requirement.id, Verdict.ERROR, scenario, reasons=(reason,), notes=text)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    place = f" ({Path(last.filename).name}:{last.lineno})" if last else ""
    return f"{type(error).__name__}: {error}{place}"
