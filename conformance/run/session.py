"""From settings to an exit code: chooses what to run, hands it to pytest, judges, reports, prints."""

from __future__ import annotations

import secrets
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from conformance.base.clock import VIRTUAL_EPOCH_SECONDS, Clock, RealClock
from conformance.base.errors import Exit, HarnessError, UsageError
from conformance.base.suite_version import source_digest, suite_version
from conformance.base.terminal import printable
from conformance.catalogue.requirement import Requirement, catalogue
from conformance.catalogue.scenario import Scenario, scenarios
from conformance.catalogue.selection import needed, profiles, select
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.judging import judge_run
from conformance.judge.serial import dump
from conformance.kube.runtime_choice import builder
from conformance.recording.run_record import Implementation, Run
from conformance.run.budget import Admission
from conformance.run.campaign import Campaign, write_settings
from conformance.run.generators.generator_choice import choose_generator
from conformance.run.progress import Progress
from conformance.run.pytest_plugin import ConformancePlugin, Session, reason
from conformance.run.scenario_run import Conditions
from conformance.settings.secret import public
from conformance.settings.settings import Settings

if TYPE_CHECKING:
    from conformance.run.dashboard import Dashboard

SUITE: Final = Path(__file__).parent / "suite"

REFERENCE: Final = Implementation(
    organization="serving-conformance",
    project="embedded reference platform",
    url="https://example.org/serving-conformance",
    version=suite_version(),
    contact=("the maintainers of the suite",),
)
UNSTATED: Final = Implementation("unstated", "unstated", "https://example.org/unstated", "0", ("unstated",))


def run_suite(settings: Settings, pytest_arguments: Sequence[str], *, dashboard: bool = False) -> int:
    """Run the suite; returns the exit code of `conformance run`."""
    if dashboard and settings.clock == "virtual":
        raise UsageError("--dashboard shows real time; a simulated run is over before it can be looked at")
    if settings.fault:
        from clusters.embedded.faults import check

        check(settings.fault)
    found = scenarios()
    chosen_profiles = profiles(settings.profiles, settings.cluster, settings.gpu)
    every = [entry for entry in catalogue() if entry.profile in chosen_profiles]
    requirements = select(every, found, settings.only)
    if not requirements:
        raise UsageError("nothing to run: no requirement of the chosen profiles is selected")
    folder = _folder(settings)
    draft = _draft(settings, folder.name, chosen_profiles)
    live = _dashboard() if dashboard else None
    progress = Progress(sinks=[live.tell] if live else [])
    session = Session(
        requirements=requirements,
        scenarios=found,
        virtual=settings.clock == "virtual",
        open=lambda chosen: _campaign(settings, draft, folder, chosen, found, progress),
        judge=lambda campaign: _judge(campaign.folder),
    )
    plugin = ConformancePlugin(session)
    arguments = [str(SUITE), "-c", str(SUITE / "pytest.ini"), f"--rootdir={SUITE.parent}", *pytest_arguments]
    if not pytest_arguments:
        arguments += ["-p", "no:terminal"]
    with live or nullcontext(), progress:
        if live:
            progress.line(f"dashboard {live.url}")
        status = pytest.main(arguments, plugins=[plugin])
    return _conclude(session, folder, status, plugin)


def _dashboard() -> Dashboard:
    from conformance.run.dashboard import Dashboard

    return Dashboard()


def _folder(settings: Settings) -> Path:
    reports = Path(settings.reports)
    if settings.clock == "virtual":
        name = f"virtual-{settings.seed:08d}" + (f"-{settings.fault}" if settings.fault else "")
    else:
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    folder = reports / name
    number = 1
    while folder.exists():
        number += 1
        folder = reports / f"{name}.{number}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot write reports to {reports}: {error}") from error
    write_settings(folder, settings.body())
    return folder


def _draft(settings: Settings, folder_name: str, chosen_profiles: tuple[str, ...]) -> Run:
    virtual = settings.clock == "virtual"
    reference = settings.cluster == "embedded"
    return Run(
        id=folder_name.split(".")[0],
        command=_simulation(settings) if virtual else shlex.join(["conformance", *public(sys.argv[1:])]),
        seed=settings.seed or (1 if virtual else int(datetime.now(UTC).strftime("%Y%m%d"))),
        clock=settings.clock,
        provider=settings.cluster,
        started_wall=VIRTUAL_EPOCH_SECONDS if virtual else time.time(),
        finished_wall=0.0,
        suite_version=suite_version(),
        source_digest=source_digest(),
        implementation=settings.implementation or (REFERENCE if reference else UNSTATED),
        environment={},
        settings=settings.body(),
        profiles=chosen_profiles,
        features=settings.features,
        selected=(),
        fault=settings.fault,
        deviations=settings.deviations(),
    )


def _simulation(settings: Settings) -> str:
    """The command that repeats a simulated run; by its settings, since the same run gives the same bytes however it was
    started."""
    words = ["conformance", "run", "--clock", "virtual"]
    if settings.seed:
        words += ["--seed", str(settings.seed)]
    if settings.fault:
        words += ["--fault", settings.fault]
    for option, names in (("--profile", settings.profiles), ("--only", settings.only)):
        for name in names:
            words += [option, name]
    return shlex.join(words)


def _campaign(
    settings: Settings,
    draft: Run,
    folder: Path,
    chosen: Sequence[Requirement],
    found: Mapping[str, Scenario],
    progress: Progress,
) -> Campaign:
    from clusters.providers import provider
    from conformance.base.clock import virtual_clock

    clock: Clock = virtual_clock() if settings.clock == "virtual" else RealClock()
    running = needed(chosen, found, settings.only)
    draft = replace(draft, selected=tuple(sorted(entry.name for entry in running)))
    return Campaign(
        draft,
        folder,
        provider(settings, clock),
        running,
        Admission(settings.budgets),
        clock,
        lambda cluster: choose_generator(settings, cluster, clock),
        progress,
        Conditions(
            draft.id,
            draft.seed,
            draft.suite_version,
            settings.timeouts.readiness_timeout_seconds,
            builder(settings),
            settings.kubernetes.namespace_prefix,
            settings.kubernetes.namespace_labels,
            settings.timeouts.deletion_timeout_seconds,
            prometheus=settings.prometheus.url or settings.prometheus.service,
        ),
    )


def _judge(folder: Path) -> dict[str, Judgement]:
    judgements = judge_run(folder)
    (folder / "judgements.json").write_bytes(dump(judgements))
    return {entry.requirement: entry for entry in judgements}


def _conclude(session: Session, folder: Path, status: int, plugin: ConformancePlugin) -> int:
    if session.campaign is None or not session.judgements:
        if plugin.trouble:
            raise HarnessError("; ".join(plugin.trouble))
        if status == pytest.ExitCode.NO_TESTS_COLLECTED:
            raise UsageError("pytest selected no test; see its options after --")
        if status == pytest.ExitCode.USAGE_ERROR:
            return Exit.USAGE
        if session.campaign is not None and session.campaign.cluster_error is not None:
            raise session.campaign.cluster_error
        raise HarnessError(f"pytest ended with status {int(status)} before anything was judged")
    import reports
    from reports.results import exit_code

    reports.write(folder)
    chosen = {entry.id for entry in session.chosen}
    judgements = [entry for entry in session.judgements.values() if entry.requirement in chosen]
    show(judgements, {entry.id: entry for entry in session.chosen})
    print(f"\nreport  {folder / 'report.html'}\nfacts   {folder / 'recording'}")
    if session.campaign.interrupted:
        return Exit.INTERRUPTED
    error = session.campaign.cluster_error
    if error is not None and not any((folder / "recording").glob("*/facts.jsonl")):
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return exit_code(judgements)


def show(judgements: Sequence[Judgement], requirements: Mapping[str, Requirement]) -> None:
    """One aligned line per requirement, and below it the reason for anything that is no PASS."""
    width = max((len(entry.scenario or "") for entry in judgements), default=0)
    told: dict[str, str] = {}
    for entry in judgements:
        print(f"{entry.requirement:<8} {entry.verdict.value:<14} {entry.scenario or '':<{width}}  {_figures(entry)}")
        if entry.verdict is not Verdict.PASS:
            print(f"         {requirements[entry.requirement].sentence}")
            why = printable(reason(entry))
            print(f"         {why if why not in told else 'for the same reason as ' + told[why]}")
            told.setdefault(why, entry.requirement)


def _figures(entry: Judgement) -> str:
    expected, measured = entry.expected, entry.measured
    if expected is None or measured is None:
        return ""
    band = ""
    if expected.low is not None and expected.high is not None:
        band = f"in [{expected.low:g}, {expected.high:g}]"
    elif expected.high is not None:
        band = f"at most {expected.high:g}"
    elif expected.low is not None:
        band = f"at least {expected.low:g}"
    return f"{measured.value:g} {band} {measured.unit}".replace("  ", " ")
