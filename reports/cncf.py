"""Entries for the Kubernetes AI conformance checklist, with this run as their evidence.

The checklist's own words (description, level) belong to its authors and to a Kubernetes version, so they are taken from
the file that the submitter hands over, never from here. A status is stated only for what passed on real accelerators,
and only as far as it goes: what an entry asks for beyond this suite stands in its notes, and makes it partial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.base.errors import UsageError
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Verdict
from reports.bundle import read_yaml
from reports.document import bundle_name
from reports.environment import environment

IMPLEMENTED: Final = "Implemented"
PARTLY: Final = "Partially Implemented"


@dataclass(frozen=True, slots=True)
class EntryEvidence:
    """What this suite shows of one entry of the checklist."""

    category: str
    requirements: tuple[str, ...] = ()
    """Of profile gpu-real; each has to pass."""
    beyond: str = ""
    """What the entry asks for and no requirement shows, whatever the platform."""
    beyond_knative: str = ""
    """The same where another autoscaler than Kubernetes' own did the scaling."""


ENTRIES: Final[Mapping[str, EntryEvidence]] = {
    # KAR-0057: a HorizontalPodAutoscaler takes pods with accelerators up and down by a metric of the service.
    "pod_autoscaling": EntryEvidence(
        "schedulingOrchestration",
        ("GPU-011", "GPU-012", "GPU-013", "GPU-014"),
        beyond_knative="pods with accelerators followed the requests through Knative's autoscaler; that a "
        "HorizontalPodAutoscaler does so by a custom metric needs other evidence",
    ),
    # KAR-0061: a monitoring system discovers and collects the metrics of workloads.
    "ai_service_metrics": EntryEvidence("observability"),
    # KAR-0049: a container sees the accelerators it was given and no others.
    "secure_accelerator_access": EntryEvidence(
        "security",
        ("GPU-009", "GPU-010"),
        beyond="accelerators were given by limit and never to more pods than there are; that a container reaches none "
        "that it was not given needs other evidence",
    ),
}
"""By id of the entry."""


def entries(judged: JudgedRun, checklist: Mapping[str, Any] | None, bundle_url: str | None) -> dict[str, Any]:
    """The three entries by category, as the checklist nests them."""
    spec: dict[str, Any] = {}
    for name, evidence in ENTRIES.items():
        spec.setdefault(evidence.category, []).append(_entry(judged, name, checklist, bundle_url))
    version = str(environment(judged)["kubernetes"]["version"])
    minor = ".".join(version.split("-")[0].split(".")[:2])
    stated = (checklist or {}).get("metadata", {}).get("kubernetesVersion")
    return {"metadata": {"kubernetesVersion": stated or minor}, "spec": spec}


def _entry(judged: JudgedRun, name: str, checklist: Mapping[str, Any] | None, bundle_url: str | None) -> dict[str, Any]:
    evidence = ENTRIES[name]
    status, notes = _status(judged, evidence)
    words = _words(checklist, name)
    return {
        "id": name,
        "description": words.get("description", "copy this from the checklist of your Kubernetes version"),
        "level": words.get("level", "MUST"),
        "status": status,
        "evidence": [bundle_url or bundle_name(judged), "report.yaml"] if status else [],
        "notes": notes,
    }


def _status(judged: JudgedRun, evidence: EntryEvidence) -> tuple[str, str]:
    if not evidence.requirements:
        return "", "this suite does not test it; give other evidence"
    found = environment(judged)
    kind, autoscaler = found["accelerator"]["kind"], found["serving"]["autoscaler"]
    if kind != "real":
        there = "there are no accelerators" if kind == "none" else f"accelerators are {kind}"
        return "", f"{there}; run profile gpu-real on real ones"
    verdicts = {
        name: judged.by_id[name].verdict if name in judged.by_id else Verdict.SKIPPED for name in evidence.requirements
    }
    passed = [name for name, verdict in verdicts.items() if verdict is Verdict.PASS]
    open_ = [f"{name} {verdict.value}" for name, verdict in verdicts.items() if verdict is not Verdict.PASS]
    figures = f"{len(passed)} of {len(verdicts)} requirements passed on real accelerators"
    if open_:
        return "", f"{figures}; open: {', '.join(open_)}"
    beyond = evidence.beyond or (evidence.beyond_knative if autoscaler != "hpa" else "")
    figures += f" ({', '.join(passed)}), run {judged.run.id}"
    return (PARTLY, f"{figures}; {beyond}") if beyond else (IMPLEMENTED, figures)


def _words(checklist: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    for group in ((checklist or {}).get("spec") or {}).values():
        for entry in group or ():
            if isinstance(entry, dict) and entry.get("id") == name:
                return entry
    return {}


def read_checklist(path: Path) -> Mapping[str, Any]:
    """The checklist's YAML file. Raises UsageError when it is not one."""
    try:
        found = read_yaml(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    if not isinstance(found, dict) or not isinstance(found.get("spec"), dict):
        raise UsageError(f"{path}: not a Kubernetes AI conformance checklist")
    missing = [name for name in ENTRIES if not _words(found, name)]
    if missing:
        raise UsageError(f"{path}: the checklist has no entry {', '.join(missing)}")
    return found
