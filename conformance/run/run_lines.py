"""What `harness.log` says of a run as a whole: what was asked for, on what, and what came of it."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.results import result_line
from conformance.judge.verdict_text import counted, headline, paragraph
from conformance.kube.cluster import Cluster
from conformance.recording.run_record import Run
from conformance.run.plan import RunPlan
from conformance.settings.settings import Settings, usual_budgets

logger = logging.getLogger(__name__)

LEVELS: Final = {Verdict.FAIL: logging.ERROR, Verdict.ERROR: logging.ERROR, Verdict.INCONCLUSIVE: logging.WARNING}


def log_head(plan: RunPlan, draft: Run) -> None:
    """What was asked for."""
    logger.info("run %s: %s", draft.id, draft.command)
    logger.info("suite %s, Python %s, %s", draft.suite_version, platform.python_version(), platform.system())
    fault = f", fault {draft.fault}" if draft.fault else ""
    logger.info("cluster %s, clock %s, seed %d%s", draft.provider, draft.clock, draft.seed, fault)
    usual = replace(Settings(), cluster=plan.settings.cluster)
    for name, value, other in changed(draft.settings, replace(usual, budgets=usual_budgets(plan.settings)).body()):
        level = logging.WARNING if name.startswith("timeouts.") else logging.INFO
        logger.log(level, "setting %s is %s (usually %s)", name, value, other)
    names = ", ".join(_named(scenario.name, plan) for scenario in plan.scenarios)
    logger.info("requirements: %s", ", ".join(entry.id for entry in plan.requirements))
    logger.info("scenarios: %s", names)


def _named(scenario: str, plan: RunPlan) -> str:
    beside = plan.companion_for(scenario)
    return f"{scenario} (beside another for {', '.join(beside)})" if beside else scenario


def changed(used: Mapping[str, Any], usual: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Dotted names of settings that are not as usual, with both values."""
    for name, value in used.items():
        other = usual.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            yield from changed(value, other, f"{above}{name}.")
        elif value != other:
            yield f"{above}{name}", value, other


def log_cluster(cluster: Cluster) -> None:
    """What was found."""
    found = cluster.installation
    logger.info(
        "Kubernetes %s (%s), KServe %s (%s), Knative %s, autoscaler %s, network layer %s, accelerators %s, %d nodes",
        found.kubernetes, found.distribution, found.kserve, found.deployment_mode, found.knative, found.autoscaler,
        found.network_layer, found.accelerator_kind, len(found.nodes),
    )  # fmt: skip
    config = {name: value for name, value in (found.autoscaler_config or {}).items() if name != "_example"}
    logger.info("config-autoscaler: %s", config if found.autoscaler_config is not None else "cannot be read")


def log_verdicts(plan: RunPlan, judgements: Sequence[Judgement], exit_code: int, folder: Path) -> None:
    """What was judged, why, and what the run ends with."""
    told: dict[str, str] = {}
    for requirement, entry in zip(plan.requirements, judgements, strict=True):
        why = headline(entry) if entry.verdict is Verdict.PASS else paragraph(entry)
        if entry.verdict is not Verdict.PASS:
            first = told.setdefault(why, entry.requirement)
            why = why if first == entry.requirement else f"for the same reason as {first}"
        verdict = f"{entry.requirement} {entry.verdict.value} {entry.scenario or ''}".rstrip()
        logger.log(LEVELS.get(entry.verdict, logging.INFO), "%s", f"{verdict}: {requirement.sentence} {why}".rstrip())
    logger.info("%s", counted(judgements))
    logger.info("%s; the report is %s", result_line(exit_code), folder / "report.html")
