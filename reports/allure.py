"""allure-results/: the run in Allure's model, written from the recordings.

allure-pytest ties steps and attachments to the test that happens to run, which is wrong when scenarios overlap; here
every result gets the phases of its own scenario. One result per requirement.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Final, cast

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import (
    Attachment,
    Label,
    Link,
    Parameter,
    Status,
    StatusDetails,
    TestResult,
    TestStepResult,
)

from conformance.catalogue.entries import plain
from conformance.catalogue.requirement import Requirement
from conformance.judge import verdict_text
from conformance.judge.history import History
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Judgement, Verdict
from reports.canonical import dump_json
from reports.document import evidence

FOLDER: Final = "allure-results"
NAMESPACE: Final = uuid.UUID("6d7f4a52-3f0a-5d3c-9f5e-0c0a8f1f7c11")
STATUS: Final = {
    Verdict.PASS: Status.PASSED,
    Verdict.FAIL: Status.FAILED,
    Verdict.INCONCLUSIVE: Status.BROKEN,
    Verdict.ERROR: Status.BROKEN,
    Verdict.SKIPPED: Status.SKIPPED,
    Verdict.NOT_APPLICABLE: Status.SKIPPED,
}
SEVERITY: Final = {"MUST": "critical", "SHOULD": "normal", "MAY": "minor"}
CATEGORIES: Final = [
    {"name": "Not conforming", "matchedStatuses": ["failed"]},
    {"name": "Suite error", "matchedStatuses": ["broken"], "messageRegex": "ERROR.*"},
    {"name": "Not decided", "matchedStatuses": ["broken"], "messageRegex": "INCONCLUSIVE.*"},
    {"name": "Not applicable", "matchedStatuses": ["skipped"], "messageRegex": "NOT_APPLICABLE.*"},
    {"name": "Skipped by choice", "matchedStatuses": ["skipped"], "messageRegex": "SKIPPED.*"},
]
_TYPES: Final = {".jsonl": "application/x-ndjson", ".json": "application/json", ".svg": "image/svg+xml",
                 ".yaml": "application/yaml"}  # fmt: skip


def write(judged: JudgedRun) -> None:
    """Write the folder anew."""
    folder = judged.folder / FOLDER
    logger = AllureFileLogger(str(folder), clean=True)
    for entry in judged.requirements:
        logger.report_result(_result(judged, logger, entry, judged.by_id[entry.id]))
    (folder / "categories.json").write_bytes(dump_json(CATEGORIES))
    (folder / "environment.properties").write_text(_properties(judged), encoding="utf-8")
    executor = {"name": "conformance", "type": "conformance", "buildName": judged.run.id}
    (folder / "executor.json").write_bytes(dump_json(executor))


def _result(judged: JudgedRun, logger: AllureFileLogger, entry: Requirement, judgement: Judgement) -> TestResult:
    scenario = judgement.scenario or entry.scenario or ""
    history = judged.histories.get(scenario)
    start, stop = _span(judged, scenario)
    lines = verdict_text.because(judgement)
    identity = str(uuid.uuid5(NAMESPACE, entry.id))
    found = TestResult(
        uuid=str(uuid.uuid5(NAMESPACE, f"{judged.run.id}/{entry.id}")),
        historyId=identity,
        testCaseId=identity,
        fullName=f"{entry.profile}.{entry.id}",
        name=f"{entry.id} {entry.sentence}",
        status=STATUS[judgement.verdict],
        stage="finished",
        start=start,
        stop=stop,
        description=f"{entry.sentence}\n\nSource: {entry.source}\n\nDetects: {entry.detects}",
        titlePath=[entry.profile, scenario or "not run"],
    )
    if judgement.verdict is not Verdict.PASS:
        found.statusDetails = StatusDetails(
            message=f"{judgement.verdict.value}: {lines[0]}", trace="\n".join(lines[1:]) or None
        )
    found.labels = [
        Label(name="severity", value=SEVERITY[entry.level]),
        Label(name="epic", value=entry.profile),
        Label(name="feature", value=entry.feature or "core"),
        Label(name="story", value=scenario),
        Label(name="suite", value=scenario or "not run"),
        Label(name="parentSuite", value=entry.profile),
        Label(name="framework", value="conformance"),
        Label(name="tag", value=judgement.verdict.value),
    ]
    found.links = [
        Link(type="issue", url=f"https://github.com/{name.replace('#', '/issues/')}", name=name)
        for name in (_thread(text) for text in entry.threads)
        if name
    ]
    found.parameters = _parameters(entry, judgement)
    if history is not None:
        found.steps = _steps(history)
        found.attachments = _attachments(judged, logger, scenario, judgement)
    return found


def _thread(text: str) -> str | None:
    repository, sign, number = text.partition("#")
    if not sign or not number.isdigit():
        return None
    return text if "/" in repository else f"{repository}/{text}"


def _parameters(entry: Requirement, judgement: Judgement) -> list[Parameter]:
    pairs: list[tuple[str, Any]] = [("level", entry.level)]
    pairs += [
        ("expected", verdict_text.allowed(judgement.expected)),
        ("measured", verdict_text.measured(judgement.measured)),
    ]
    if judgement.margin:
        pairs.append(("margin", judgement.margin.value))
    pairs += sorted(cast(dict[str, Any], plain(entry.parameters)).items())
    return [Parameter(name=name, value=str(value)) for name, value in pairs if value != ""]


def _steps(history: History) -> list[TestStepResult]:
    found = []
    for span in history.spans:
        end = min(span.end, history.end)
        found.append(
            TestStepResult(
                id=f"{span.name}-{span.start:.3f}",
                name=span.name if span.name == span.kind else f"{span.kind}: {span.name}",
                status=Status.PASSED if span.end <= history.end else Status.BROKEN,
                stage="finished",
                start=_milliseconds(history.wall(span.start)),
                stop=_milliseconds(history.wall(end)),
            )
        )
    return found


def _attachments(judged: JudgedRun, logger: AllureFileLogger, scenario: str, judgement: Judgement) -> list[Attachment]:
    plot = f"plots/{scenario}.svg"
    # The bundle holds the recordings anyway; here they help with what did not pass.
    told = [] if judgement.verdict is Verdict.PASS else evidence(judged, judgement)
    names = [plot, *(path for path in told if path != plot)]
    found = []
    for name in dict.fromkeys(names):
        path = judged.folder / name
        if not path.is_file() or path.suffix not in _TYPES:
            continue
        # One copy per file, however many requirements rest on it.
        source = f"{uuid.uuid5(NAMESPACE, f'{judged.run.id}/{name}')}-attachment{path.suffix}"
        if not (Path(judged.folder) / FOLDER / source).is_file():
            logger.report_attached_file(str(path), source)
        found.append(Attachment(name=name, source=source, type=_TYPES[path.suffix]))
    return found


def _span(judged: JudgedRun, scenario: str) -> tuple[int, int]:
    for entry in judged.run.scenarios:
        if entry.name == scenario:
            return _milliseconds(entry.started_wall), _milliseconds(entry.finished_wall)
    return _milliseconds(judged.run.started_wall), _milliseconds(judged.run.started_wall)


def _milliseconds(wall: float) -> int:
    return round(wall * 1000)


def _properties(judged: JudgedRun) -> str:
    run = judged.run
    pairs = {
        "implementation": f"{run.implementation.project} {run.implementation.version}",
        "suite": run.suite_version,
        "provider": run.provider,
        "clock": run.clock,
        "seed": run.seed,
        "fault": run.fault or "none",
    }
    return "".join(f"{name}={' '.join(str(value).split())}\n" for name, value in pairs.items())
