"""junit.xml for CI: one suite per scenario, one case per requirement.

FAIL is a failure; INCONCLUSIVE and ERROR are errors, so that no dashboard counts them as passed; SKIPPED and
NOT_APPLICABLE are skipped. A case takes as long as its scenario did; scenarios overlap and several requirements share
one, so cases add up to more than the run, whose own length stands at the root.
"""

from __future__ import annotations

from collections import defaultdict
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from conformance.base.terminal import printable
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.verdict_text import because
from reports.canonical import utc

_TAGS = {
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.ERROR: "error",
    Verdict.SKIPPED: "skipped",
    Verdict.NOT_APPLICABLE: "skipped",
}


def junit(judged: JudgedRun) -> bytes:
    """The file's bytes."""
    groups: dict[str, list[Judgement]] = defaultdict(list)
    for entry in judged.requirements:
        judgement = judged.by_id[entry.id]
        groups[judgement.scenario or entry.scenario or "not run"].append(judgement)
    lengths = {entry.name: max(0.0, entry.finished_wall - entry.started_wall) for entry in judged.run.scenarios}
    run = judged.run
    root = Element("testsuites", name=f"conformance {run.id}", time=_seconds(run.finished_wall - run.started_wall))
    for name, judgements in sorted(groups.items()):
        _suite(root, judged, name, judgements, lengths.get(name, 0.0))
    _count(root, [entry for group in groups.values() for entry in group])
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: Element, judged: JudgedRun, name: str, judgements: list[Judgement], seconds: float) -> None:
    suite = SubElement(root, "testsuite", name=name, time=_seconds(seconds))
    started = next((entry.started_wall for entry in judged.run.scenarios if entry.name == name), None)
    if started is not None:
        suite.set("timestamp", utc(started).removesuffix("Z"))
    _count(suite, judgements)
    for judgement in judgements:
        entry = judged.requirement[judgement.requirement]
        case = SubElement(
            suite,
            "testcase",
            classname=f"{entry.profile}.{name}",
            name=f"{entry.id} {printable(entry.sentence)}",
            time=_seconds(seconds),
        )
        properties = SubElement(case, "properties")
        for key, value in (("level", entry.level), ("verdict", judgement.verdict.value), ("source", entry.source)):
            SubElement(properties, "property", name=key, value=printable(value))
        if judgement.verdict in _TAGS:
            lines = [printable(line) for line in because(judgement)]
            outcome = SubElement(case, _TAGS[judgement.verdict], message=lines[0])
            if _TAGS[judgement.verdict] != "skipped":
                outcome.set("type", judgement.verdict.value)
            outcome.text = "\n".join(lines)


def _count(element: Element, judgements: list[Judgement]) -> None:
    tags = [_TAGS.get(entry.verdict) for entry in judgements]
    element.set("tests", str(len(judgements)))
    element.set("failures", str(tags.count("failure")))
    element.set("errors", str(tags.count("error")))
    element.set("skipped", str(tags.count("skipped")))


def _seconds(value: float) -> str:
    return f"{max(0.0, value):.3f}"
