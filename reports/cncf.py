"""Entries for the Kubernetes AI conformance checklist, with this run as their evidence.

The checklist's own words (description, level) belong to its authors and to a Kubernetes version, so they are taken from
the file that the submitter hands over, never from here. `Implemented` is stated only for what passed on real
accelerators; everything else leaves the status open and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from conformance.errors import SubmissionError
from conformance.judge.judgement import Verdict
from conformance.requirement import Requirement
from reports.bundle import read_yaml
from reports.document import bundle_name
from reports.environment import environment
from reports.material import Material

CATEGORIES: Final = {
    "pod_autoscaling": "schedulingOrchestration",
    "ai_service_metrics": "observability",
    "secure_accelerator_access": "security",
}
"""Entry to the checklist's category."""


def bears_on(entry: Requirement) -> str | None:
    """The checklist entry that a requirement gives evidence for."""
    if entry.profile in ("gpu-real", "gpu-emulated"):
        return "pod_autoscaling" if "scal" in entry.sentence.lower() else "secure_accelerator_access"
    return "pod_autoscaling" if entry.profile == "standard-hpa" else None


def entries(material: Material, checklist: Mapping[str, Any] | None, bundle_url: str | None) -> dict[str, Any]:
    """The three entries by category, as the checklist nests them."""
    spec: dict[str, Any] = {}
    for name, category in CATEGORIES.items():
        spec.setdefault(category, []).append(_entry(material, name, checklist, bundle_url))
    version = str(environment(material)["kubernetes"]["version"])
    minor = ".".join(version.split("-")[0].split(".")[:2])
    stated = (checklist or {}).get("metadata", {}).get("kubernetesVersion")
    return {"metadata": {"kubernetesVersion": stated or minor}, "spec": spec}


def _entry(
    material: Material, name: str, checklist: Mapping[str, Any] | None, bundle_url: str | None
) -> dict[str, Any]:
    mine = [entry for entry in material.requirements if bears_on(entry) == name]
    status, notes = _status(material, name, mine)
    words = _words(checklist, name)
    return {
        "id": name,
        "description": words.get("description", "copy this from the checklist of your Kubernetes version"),
        "level": words.get("level", "MUST"),
        "status": status,
        "evidence": [bundle_url or bundle_name(material), "report.yaml"] if mine else [],
        "notes": notes,
    }


def _status(material: Material, name: str, mine: list[Requirement]) -> tuple[str, str]:
    if not mine:
        return "", "this suite does not test it; give other evidence"
    kind = environment(material)["accelerator"]["kind"]
    verdicts = {entry.id: material.judgements[entry.id].verdict for entry in mine}
    passed = [key for key, verdict in verdicts.items() if verdict is Verdict.PASS]
    open_ = [f"{key} {verdict.value}" for key, verdict in verdicts.items() if verdict is not Verdict.PASS]
    open_ = [text for text in open_ if not text.endswith(Verdict.NOT_APPLICABLE.value)]
    figures = f"{len(passed)} of {len(passed) + len(open_)} requirements passed ({', '.join(passed) or 'none'})"
    if kind != "real":
        return "", f"{figures} on {kind} accelerators; only a run on real ones shows {name}"
    if open_ or not passed:
        return "", f"{figures}; open: {', '.join(open_) or 'all'}"
    return "Implemented", f"{figures} on real accelerators, run {material.run.id}"


def _words(checklist: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    for group in ((checklist or {}).get("spec") or {}).values():
        for entry in group or ():
            if isinstance(entry, dict) and entry.get("id") == name:
                return entry
    return {}


def read_checklist(path: Path) -> Mapping[str, Any]:
    """The checklist's YAML file. Raises SubmissionError when it is not one."""
    try:
        found = read_yaml(path.read_bytes())
    except OSError as error:
        raise SubmissionError(f"{path}: {error.strerror}") from error
    if not isinstance(found, dict) or not isinstance(found.get("spec"), dict):
        raise SubmissionError(f"{path}: not a Kubernetes AI conformance checklist")
    missing = [name for name in CATEGORIES if not _words(found, name)]
    if missing:
        raise SubmissionError(f"{path}: the checklist has no entry {', '.join(missing)}")
    return found
