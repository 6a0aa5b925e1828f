"""report.yaml: the conformance report, valid under `schema/`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from conformance.base.suite_version import catalogue_digest, examples_digest
from conformance.catalogue.requirement import Requirement
from conformance.catalogue.supported_versions import unsupported_in
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Judgement, Reason, Verdict
from conformance.judge.results import result
from reports.bundle import UnsafeBundleError, safe_name
from reports.canonical import utc, value_digest
from reports.document_drift import document_drift
from reports.environment import environment, unverified
from reports.index import Flake
from reports.manifest import Entry
from reports.selftest import self_test
from reports.statistics import statistics

REDACTIONS: Final = ("bearer-tokens", "node-names", "cluster-addresses")
"""What recordings hold only as pseudonyms, or not at all (`conformance.recording.redaction`)."""
API_VERSION: Final = "serving-conformance/v1alpha1"
SCHEMA: Final = Path(__file__).parent / "schema" / "conformance-report-v1alpha1.schema.json"


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of report.yaml."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def document(
    judged: JudgedRun, entries: Sequence[Entry], manifest_digest: str, flakes: Mapping[str, Flake]
) -> dict[str, Any]:
    """The whole report as plain data, in reading order. `flakes` is what earlier runs say of each requirement."""
    run = judged.run
    drifts = document_drift(judged)
    return {
        "apiVersion": API_VERSION,
        "kind": "ConformanceReport",
        "date": utc(max(run.finished_wall, run.started_wall)),
        "mode": str(run.environment.get("mode") or "default"),
        "implementation": {
            "organization": run.implementation.organization,
            "project": run.implementation.project,
            "url": run.implementation.url,
            "version": run.implementation.version,
            "contact": list(run.implementation.contact),
        },
        "suite": {
            "version": run.suite_version,
            "sourceDigest": run.source_digest,
            "catalogueDigest": catalogue_digest(),
            "examplesDigest": examples_digest(),
            "selfTest": self_test(),
        },
        "run": _run(judged),
        "environment": environment(judged),
        "settings": settings(judged),
        "validity": [check(entry) for entry in judged.validity],
        "profiles": [profile(judged, name) for name in profiles(judged)],
        "requirements": [requirement(judged, entry) | flake(flakes.get(entry.id)) for entry in judged.requirements],
        **({"documentDrift": drifts} if drifts else {}),
        "evidence": {
            "bundle": bundle_name(judged),
            "digest": manifest_digest,
            "files": [{"path": entry.path, "digest": entry.digest, "bytes": entry.bytes} for entry in entries],
            "redactions": list(REDACTIONS),
            "rejudge": f"conformance judge {bundle_name(judged)}",
        },
    }


def bundle_name(judged: JudgedRun) -> str:
    """File name of the evidence bundle."""
    run = judged.run
    parts = (run.implementation.organization, run.implementation.project, run.id)
    return "-".join(filter(None, (slug(part) for part in parts))) + ".tar.gz"


def slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens."""
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split())


def _run(judged: JudgedRun) -> dict[str, Any]:
    run = judged.run
    return {
        "id": run.id,
        "started": utc(run.started_wall),
        "finished": utc(max(run.finished_wall, run.started_wall)),
        "seed": run.seed,
        "command": run.command,
        "clock": run.clock,
        "provider": run.provider,
        **({"fault": run.fault} if run.fault else {}),
        **({"leftovers": list(run.leftovers)} if run.leftovers else {}),
        **({"unverified": trusted} if (trusted := unverified(judged)) else {}),
        **({"unsupported": list(unknown)} if (unknown := unsupported_in(run.environment)) else {}),
    }


def settings(judged: JudgedRun) -> dict[str, Any]:
    """Digest of all settings, and those that are not at their default."""
    run = judged.run
    return {
        "digest": value_digest(run.settings),
        "strict": not run.deviations,
        "deviations": [
            {
                "name": entry.name,
                "default": entry.default,
                "used": entry.used,
                "limit": entry.limit,
                "reason": entry.reason,
            }
            for entry in run.deviations
        ],
    }


def profiles(judged: JudgedRun) -> list[str]:
    """Profiles that have requirements, in the order they were asked for."""
    there = {entry.profile for entry in judged.requirements}
    return [name for name in judged.run.profiles if name in there] + sorted(there - set(judged.run.profiles))


def profile(judged: JudgedRun, name: str) -> dict[str, Any]:
    """One profile's block: core requirements, and those of features."""
    mine = [entry for entry in judged.requirements if entry.profile == name]
    core = [entry for entry in mine if entry.feature is None]
    extended = [entry for entry in mine if entry.feature is not None]
    block: dict[str, Any] = {"name": name, "core": status([judged.by_id[entry.id] for entry in core])}
    if extended:
        features = sorted({entry.feature or "" for entry in extended})
        shown = {e.feature for e in extended if judged.by_id[e.id].verdict is not Verdict.NOT_APPLICABLE}
        block["extended"] = {
            **status([judged.by_id[entry.id] for entry in extended]),
            "supportedFeatures": [feature for feature in features if feature in shown],
            "unsupportedFeatures": [feature for feature in features if feature not in shown],
        }
    block["summary"] = summary(block)
    return block


def status(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Result, counters, and the names behind what did not pass."""
    verdicts = [entry.verdict for entry in judgements]
    block: dict[str, Any] = {"result": result(verdicts).value, "statistics": statistics(verdicts)}
    for key, verdict in (("failedTests", Verdict.FAIL), ("skippedTests", Verdict.SKIPPED)):
        names = [entry.requirement for entry in judgements if entry.verdict is verdict]
        if names:
            block[key] = names
    return block


def summary(block: dict[str, Any]) -> str:
    """One sentence about a profile's block."""
    parts = []
    for name in ("core", "extended"):
        if name not in block:
            continue
        counts = block[name]["statistics"]
        applicable = sum(counts.values()) - counts["NotApplicable"]
        text = f"{counts['Passed']} of {applicable} {name} requirements passed"
        for key, word in (("Failed", "failed"), ("Inconclusive", "inconclusive"), ("Error", "in error")):
            if counts[key]:
                text += f", {counts[key]} {word}"
        if counts["Skipped"]:
            text += f", {counts['Skipped']} skipped"
        parts.append(text)
    return "; ".join(parts) + "."


def requirement(judged: JudgedRun, entry: Requirement) -> dict[str, Any]:
    """One requirement with its verdict and the figures behind it."""
    judgement = judged.by_id[entry.id]
    ran = judgement.verdict not in (Verdict.SKIPPED, Verdict.NOT_APPLICABLE)
    value: dict[str, Any] = {
        "id": entry.id,
        "level": entry.level,
        "profile": entry.profile,
        "feature": entry.feature,
        "example": judgement.scenario or entry.scenario,
        "verdict": judgement.verdict.value,
        "accelerator": entry.accelerator if entry.accelerator in ("real", "emulated", "none") else None,
        "expected": _figures(judgement.expected, ("source", "statement", "low", "high", "unit")),
        "measured": _figures(judgement.measured, ("value", "unit", "low", "high", "samples")),
        "confidence": _proof(judgement),
        "margin": judgement.margin.value if judgement.margin else None,
        "attempts": 1 if ran else 0,
        "reasons": [check(reason) for reason in reasons(judgement)] or None,
        "nearestMutant": _fault(judgement),
        "evidence": evidence(judged, judgement),
        "notes": judgement.notes or (None if ran else "no reason was given"),
    }
    return {name: found for name, found in value.items() if found is not None}


def flake(known: Flake | None) -> dict[str, Any]:
    """The flake ledger's line, where there is one."""
    if known is None:
        return {}
    return {"flake": {"runs": known.runs, "failures": known.failures, "upper95": round(known.upper95, 4)}}


def evidence(judged: JudgedRun, judgement: Judgement) -> list[str]:
    """Files of the run that a judgement rests on; those it names that are not there are left out."""
    named = [path for path in judgement.evidence if _inside(path) and _holds(judged.folder / path)]
    if judgement.scenario and not named:
        for place in (f"recording/{judgement.scenario}/facts.jsonl", f"recording/{judgement.scenario}/recording.json"):
            if _holds(judged.folder / place):
                named.append(place)
    return named


def _inside(path: str) -> bool:
    try:
        return safe_name(path) == path
    except UnsafeBundleError:
        return False


def _holds(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def reasons(judgement: Judgement) -> Iterable[Reason]:
    """Reasons of a judgement; one that decided nothing always has at least one."""
    if judgement.reasons:
        return judgement.reasons
    if judgement.verdict is Verdict.ERROR:
        return (Reason("SUITE_ERROR", judgement.notes or "unknown", "none", False, "report it with this bundle"),)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return (Reason("NOT_DECIDED", judgement.notes or "unknown", "a decision", False, "run again"),)
    return ()


def check(reason: Reason) -> dict[str, Any]:
    """A reason as the schema's `check`."""
    value = {"code": reason.code, "value": _number(reason.value), "limit": _number(reason.limit), "ok": reason.ok}
    return value | ({"remedy": reason.remedy} if reason.remedy else {})


def _number(value: float | str) -> float | int | str:
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return str(value)
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _figures(value: object, names: Sequence[str]) -> dict[str, Any] | None:
    if value is None:
        return None
    found: dict[str, Any] = {}
    for name in names:
        entry = getattr(value, name)
        if isinstance(entry, float):
            if not math.isfinite(entry):
                continue
            entry = _number(entry)
        if entry is None or (name == "samples" and not entry) or (entry == "" and name in ("unit",)):
            continue
        found[name] = entry
    if "value" in names:
        found.setdefault("value", 0)
        found.setdefault("unit", "")
    return found


def _fault(judgement: Judgement) -> dict[str, Any] | None:
    found = judgement.consistent_with
    if found is None or not (math.isfinite(found.misfit) and math.isfinite(found.specified)):
        return None
    first, *others = found.faults
    value = {"mutant": first, "misfit": found.misfit, "specificationMisfit": found.specified}
    return {**value, "alike": others} if others else value


def _proof(judgement: Judgement) -> dict[str, Any] | None:
    sure = judgement.confidence
    if sure is None or judgement.verdict is not Verdict.PASS:
        return None
    value = {"excludes": list(sure.excluded), "exercised": sure.exercised}
    return {name: found for name, found in value.items() if found} or None
