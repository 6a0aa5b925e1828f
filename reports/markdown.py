"""summary.md: what a CI job shows on its page."""

from __future__ import annotations

from typing import Final

from conformance.base.terminal import printable
from conformance.catalogue.supported_versions import unsupported_in
from conformance.judge import verdict_text
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Verdict
from reports.document import profile, profiles
from reports.environment import unverified
from reports.statistics import statistics

_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"}


def escape(text: str) -> str:
    """Text from elsewhere that must not become markup, a link or a mention."""
    return "".join(f"\\{c}" if c in "\\`*_[]#|~!" else _ENTITIES.get(c, c) for c in printable(text))


def summary(judged: JudgedRun) -> bytes:
    """The file's bytes."""
    run = judged.run
    lines = [f"## Conformance of {escape(run.implementation.project)} {escape(run.implementation.version)}", ""]
    if not run.submittable:
        lines += ["A run of services or scenarios of one's own: **not a submission**.", ""]
    if run.fault:
        lines += [f"The platform was broken on purpose: **{escape(run.fault)}**.", ""]
    for sentence in unsupported_in(run.environment):
        lines += [f"{escape(sentence)}.", ""]
    lines += ["| profile | core | extended | |", "|---|---|---|---|"]
    for name in profiles(judged):
        block = profile(judged, name)
        extended = block.get("extended", {}).get("result", "none")
        lines.append(f"| {name} | **{block['core']['result']}** | {extended} | {block['summary']} |")
    counts = statistics(entry.verdict for entry in judged.judgements)
    lines += ["", ", ".join(f"{number} {name}" for name, number in counts.items() if number), ""]
    aside = (Verdict.PASS, Verdict.SKIPPED, Verdict.NOT_APPLICABLE)
    open_ = [entry for entry in judged.requirements if judged.by_id[entry.id].verdict not in aside]
    if open_:
        lines += ["| requirement | verdict | scenario | why |", "|---|---|---|---|"]
        order = list(Verdict)
        for entry in sorted(open_, key=lambda item: (order.index(judged.by_id[item.id].verdict), item.id)):
            judgement = judged.by_id[entry.id]
            why = escape("; ".join(verdict_text.because(judgement)[:3]))
            lines.append(
                f"| {entry.id} | {judgement.verdict.value} | {escape(judgement.scenario or entry.scenario or '')} "
                f"| {escape(entry.sentence)}<br>{why} |"
            )
        lines.append("")
    passed = [entry for entry in judged.requirements if judged.by_id[entry.id].verdict is Verdict.PASS]
    if passed:
        lines += [f"<details><summary>{len(passed)} passed</summary>", ""]
        lines += ["| requirement | scenario | allowed | measured |", "|---|---|---|---|"]
        for entry in passed:
            judgement = judged.by_id[entry.id]
            figures = verdict_text.allowed(judgement.expected), verdict_text.measured(judgement.measured)
            lines.append(
                f"| {entry.id} {escape(entry.sentence)} | {escape(judgement.scenario or '')} "
                f"| {escape(figures[0])} | {escape(figures[1])} |"
            )
        lines += ["", "</details>", ""]
    lines += _left_out(judged)
    lines += [f"- {escape(verdict_text.drifted(entry))}" for entry in judged.drifts]
    lines += [f"- not valid: {escape(verdict_text.reason(entry))}" for entry in judged.validity if not entry.ok]
    lines += [f"- TLS certificates were not verified of {whom}" for whom in unverified(judged)]
    lines += [f"- left over on the cluster: {escape(name)}" for name in run.leftovers]
    lines += ["", f"Suite {run.suite_version}, run `{run.id}`, seed {run.seed}, {run.provider}, {run.clock} time."]
    return ("\n".join(lines) + "\n").encode()


def _left_out(judged: JudgedRun) -> list[str]:
    """Requirements that were not run or do not apply, folded away."""
    left = (Verdict.SKIPPED, Verdict.NOT_APPLICABLE)
    found = [entry for entry in judged.requirements if judged.by_id[entry.id].verdict in left]
    if not found:
        return []
    lines = [f"<details><summary>{len(found)} not run or not applicable</summary>", ""]
    for entry in found:
        judgement = judged.by_id[entry.id]
        verdict = judgement.verdict.value.replace("_", " ").lower()
        lines.append(
            f"- {entry.id} {escape(entry.sentence)} *{verdict}*: {escape(judgement.notes or 'no reason given')}"
        )
    return [*lines, "", "</details>", ""]
