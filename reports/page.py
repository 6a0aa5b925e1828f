"""report.html: the whole run in one file that opens without a network.

The document itself holds every verdict and figure as HTML, so it can be read, searched and printed without script; the
script draws the curves. Everything that a platform under test has said is escaped by the template engine, and a content
security policy lets only our own script run, by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup, escape

from conformance.base.terminal import printable
from conformance.catalogue.requirement import Requirement
from conformance.catalogue.supported_versions import unsupported_in
from conformance.judge import verdict_text
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Judgement, Verdict
from conformance.recording.recorded_scenario import RecordedScenario
from reports import curves, plots
from reports.canonical import utc
from reports.control_characters import replace_control_characters
from reports.document import bundle_name, profile, profiles, settings
from reports.document_drift import document_drift
from reports.environment import configuration, environment, unverified
from reports.gauge import gauge
from reports.packing import script_json
from reports.selftest import self_test
from reports.statistics import statistics
from reports.trace import Trace

TEMPLATES: Final = Path(__file__).parent / "templates"
MARKS: Final = {
    "PASS": "\u2713",
    "FAIL": "\u2717",
    "INCONCLUSIVE": "?",
    "ERROR": "!",
    "SKIPPED": "\u2013",
    "NOT_APPLICABLE": "\u00b7",
}
HEADLINES: Final = {
    "success": "Conformant",
    "partial": "Partly shown",
    "inconclusive": "Not decided",
    "failure": "Not conformant",
}
UNSETTLED: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)
"""What a reader has to look at, on paper too."""
_MOMENT: Final = re.compile(r"\bt=([0-9]+(?:\.[0-9]+)?)")


LoadSummaries = Mapping[str, Sequence[tuple[str, str]]]
"""(name, text) of the summary of each load, by scenario."""


def page(judged: JudgedRun, found: Mapping[str, Trace], summaries: LoadSummaries) -> bytes:
    """The file's bytes. `found` are the traces of its scenarios."""
    script = "\n".join(_asset(name) for name in ("vendor/uPlot.iife.min.js", "charts.js", "report.js"))
    style = "\n".join(_asset(name) for name in ("vendor/uPlot.min.css", "report.css"))
    data = {"scenarios": [curves.packed(entry) for entry in found.values()]}
    text = (
        _environment()
        .get_template("report.html.j2")
        .render(
            style=Markup(style),
            script=Markup(script),
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            data=Markup(script_json(data)),
            **_context(judged, found, summaries),
        )
    )
    return text.encode()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=replace_control_characters,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["linked"] = linked
    environment.filters["number"] = verdict_text.number
    environment.filters["counted"] = verdict_text.amount
    environment.filters["figure"] = lambda value: value if isinstance(value, str) else verdict_text.number(value)
    environment.globals["marks"] = MARKS
    return environment


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def linked(text: str, scenario: str | None) -> Markup:
    """Escaped text in which every `t=12.3` leads to that moment of the scenario's curves."""
    text = printable(text)
    if not scenario:
        return escape(text)
    found, before = Markup(), 0
    for match in _MOMENT.finditer(text):
        t = float(match[1])
        found += escape(text[before : match.start()])
        found += Markup(
            '<a class="moment" href="#s-{0}" data-scenario="{0}" data-start="{1}" data-end="{2}">{3}</a>'
        ).format(scenario, t, t, match[0])
        before = match.end()
    return found + escape(text[before:])


def _context(judged: JudgedRun, found: Mapping[str, Trace], summaries: LoadSummaries) -> dict[str, Any]:
    run = judged.run
    blocks = [profile(judged, name) for name in profiles(judged)]
    counts = statistics(entry.verdict for entry in judged.judgements)
    checks = judged.validity
    tests = self_test()
    return {
        "run": run,
        "started": utc(run.started_wall),
        "length": _duration(run.finished_wall - run.started_wall),
        "blocks": blocks,
        "headlines": HEADLINES,
        "overall": _overall(blocks, all(entry.ok for entry in checks)),
        "counts": [(verdict.value, number) for verdict, number in zip(Verdict, counts.values(), strict=True) if number],
        "total": len(judged.judgements),
        "settings": settings(judged),
        "environment": environment(judged),
        "unverified": unverified(judged),
        "unsupported": unsupported_in(run.environment),
        "checks": [(entry, verdict_text.reason(entry)) for entry in checks],
        "self_test": tests,
        "drifts": document_drift(judged),
        "requirements": _requirements(judged),
        "scenarios": [_scenario(judged, name, found.get(name), summaries.get(name, ())) for name in _names(judged)],
        "bundle": bundle_name(judged),
        "accounts": _count(judged.folder / "witness"),
        "logs": _count(judged.folder / "logs"),
        "configuration": _configuration(judged),
        "plain_settings": _flat(run.settings),
    }


def _count(place: Path) -> int:
    """Files below a folder that need not be there."""
    return sum(path.is_file() for path in place.rglob("*")) if place.is_dir() else 0


def _overall(blocks: list[dict[str, Any]], valid: bool) -> str:
    """The word for the whole run: the worst of its profiles, and never success when the harness was the limit."""
    order = ("failure", "inconclusive", "partial", "success")
    found = [block["core"]["result"] for block in blocks]
    # Features are claimed one by one: a block of which none is claimed takes nothing away.
    found += [b["extended"]["result"] for b in blocks if b.get("extended", {}).get("supportedFeatures")]
    worst = min(found, key=order.index, default="inconclusive")
    return "inconclusive" if worst in ("success", "partial") and not valid else worst


def _names(judged: JudgedRun) -> list[str]:
    ran = [entry.name for entry in judged.run.scenarios]
    return sorted(ran, key=lambda name: (not any(_open(judged, name)), name))


def _open(judged: JudgedRun, scenario: str) -> list[bool]:
    return [True for entry in judged.judgements if entry.scenario == scenario and entry.verdict is Verdict.FAIL]


def _requirements(judged: JudgedRun) -> list[dict[str, Any]]:
    order = list(Verdict)
    ranks = {Verdict.FAIL: 0, Verdict.ERROR: 1, Verdict.INCONCLUSIVE: 2, Verdict.PASS: 3}
    found = sorted(
        judged.requirements,
        key=lambda entry: (
            ranks.get(judged.by_id[entry.id].verdict, 4 + order.index(judged.by_id[entry.id].verdict)),
            entry.id,
        ),
    )
    return [_requirement(judged, entry, judged.by_id[entry.id]) for entry in found]


def _requirement(judged: JudgedRun, entry: Requirement, judgement: Judgement) -> dict[str, Any]:
    scenario = judgement.scenario or entry.scenario or ""
    return {
        "entry": entry,
        "judgement": judgement,
        "verdict": judgement.verdict.value,
        "scenario": scenario,
        "recorded": scenario in judged.histories,
        "allowed": verdict_text.allowed(judgement.expected),
        "measured": verdict_text.measured(judgement.measured),
        # Those that a reader can look up; the rest are the catalogue's own marks.
        "threads": [thread for thread in entry.threads if "#" in thread],
        "gauge": gauge(judgement),
        "panel": _panel(judgement),
        "explanation": verdict_text.explanation(judgement),
        "proof": verdict_text.proof(judgement),
        "reasons": [(reason, verdict_text.reason(reason)) for reason in judgement.reasons],
        "moments": [
            moment
            for moment in judgement.moments
            if moment.scenario in judged.histories and math.isfinite(moment.start) and math.isfinite(moment.end)
        ],
        "search": " ".join(
            [entry.id, entry.sentence, entry.source, scenario, entry.feature or "", *entry.faults, *entry.threads]
        ).lower(),
    }


def _panel(judgement: Judgement) -> str:
    """Which of a scenario's curves show what was measured: pods, requests, or in general the load."""
    unit = judgement.measured.unit if judgement.measured else ""
    if unit.startswith(("pods", "scale", "reversals", "share of the stretch")):
        return "pods"
    return "requests" if unit.startswith(("requests", "answers")) else ""


def _scenario(
    judged: JudgedRun, name: str, found: Trace | None, summaries: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    ended = next(entry for entry in judged.run.scenarios if entry.name == name)
    history = judged.histories.get(name)
    recorded = history.scenario if history else RecordedScenario()
    mine = [entry for entry in judged.requirements if judged.by_id[entry.id].scenario == name]
    return {
        "name": name,
        "title": recorded.title or name,
        "section": recorded.section,
        "ended": ended,
        "length": _duration(ended.finished_wall - ended.started_wall),
        "problem": judged.unreadable.get(name, ""),
        "judged": [(entry, judged.by_id[entry.id].verdict.value) for entry in mine],
        "trace": found,
        "still": base64.b64encode(plots.plot(found)).decode("ascii") if found else "",
        "drawn": bool(found and (found.components or found.requests.count)),
        "open": any(judged.by_id[entry.id].verdict in UNSETTLED for entry in mine),
        "words": curves.sentences(found) if found else [],
        "table": curves.table(found) if found else ([], []),
        "cold": _cold(found) if found else None,
        "manifest": _manifest(judged, name),
        "loads": summaries,
    }


def _cold(found: Trace) -> dict[str, Any] | None:
    if not found.cold_starts:
        return None
    longest = max(entry.total for entry in found.cold_starts) or 1.0
    names = list(dict.fromkeys(name for entry in found.cold_starts for name, _ in entry.parts))
    return {"longest": longest, "starts": found.cold_starts, "names": names}


def _manifest(judged: JudgedRun, name: str) -> list[tuple[str, str]]:
    folder = judged.folder / "examples" / name
    if not folder.is_dir():
        return []
    return [
        (path.name, path.read_text(encoding="utf-8", errors="replace")[:20_000])
        for path in sorted(folder.iterdir())
        if path.suffix in (".yaml", ".yml") and not path.is_symlink()
    ]


def _configuration(judged: JudgedRun) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (source, [(key, str(value)) for key, value in sorted(data.items())])
        for source, data in sorted(configuration(judged).items())
    ]


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, entry in sorted(value.items()):
        if isinstance(entry, Mapping) and entry:
            found += _flat(entry, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", "" if entry is None else str(entry)))
    return found


def _duration(seconds: float) -> str:
    seconds = max(0.0, seconds)
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
