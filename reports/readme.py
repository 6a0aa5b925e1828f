"""README.md of a submission: a first draft for the vendor, with the section that rule V17 asks for."""

from __future__ import annotations

from conformance.judge import verdict_text
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import Verdict
from reports.document import bundle_name, profile, profiles
from reports.environment import environment
from reports.markdown import escape


def readme(judged: JudgedRun) -> bytes:
    """The file's bytes."""
    run, found = judged.run, environment(judged)
    nodes = ", ".join(
        f"{node['count']} of {node['cpu']:g} CPU and {node['memoryGiB']:g} GiB"
        + (f" with {node['accelerators']} accelerators" if node.get("accelerators") else "")
        for node in found["nodes"]
    )
    strict = "yes" if not run.deviations else "no"
    lines = [
        f"# {escape(run.implementation.project)} {escape(run.implementation.version)}",
        "",
        f"By {escape(run.implementation.organization)}: <{escape(run.implementation.url)}>",
        "",
        "| profile | core | features | accelerators | strict | report |",
        "|---|---|---|---|---|---|",
    ]
    for name in profiles(judged):
        block = profile(judged, name)
        extended = block.get("extended", {}).get("result", "none")
        lines.append(
            f"| {name} | {block['core']['result']} | {extended} | {found['accelerator']['kind']} | {strict} "
            "| [report.yaml](report.yaml) |"
        )
    lines += ["", f"Evidence: `{bundle_name(judged)}`"]
    if run.deviations:
        lines += ["", "## Deviations", ""]
        lines += [f"- {e.name}: {e.used} instead of {e.default}: {escape(e.reason)}" for e in run.deviations]
    lines += _undecided(judged)
    serving = found["serving"]
    lines += [
        "",
        "## Reproduce",
        "",
        f"Nodes: {nodes}. Kubernetes {escape(found['kubernetes']['version'])} "
        f"({escape(found['kubernetes']['distribution'])}), KServe {escape(serving['kserve'])}, "
        f"Knative {escape(serving.get('knative') or 'none')}, network layer {escape(serving['networkLayer'])}. "
        f"Suite {escape(run.suite_version)}, seed {run.seed}.",
        "",
        f"    {run.command}",
        "",
    ]
    return "\n".join(lines).encode()


def _undecided(judged: JudgedRun) -> list[str]:
    """What the run leaves open, and what limited it."""
    open_ = [entry for entry in judged.judgements if entry.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR)]
    if not open_:
        return []
    lines = ["", "## Not decided", "", "| requirement | scenario | why |", "|---|---|---|"]
    for entry in open_:
        why = "; ".join(verdict_text.reason(each) for each in entry.reasons if not each.ok) or entry.notes
        lines.append(f"| {entry.requirement} | {escape(entry.scenario or '')} | {escape(why)} |")
    return lines
