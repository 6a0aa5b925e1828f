"""README.md of a submission: a first draft for the vendor, with the section that rule V17 asks for."""

from __future__ import annotations

from conformance.judge.judged_run import JudgedRun
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
