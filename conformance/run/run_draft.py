"""What is known of a run before it starts: its folder, its identity, the command that repeats it."""

from __future__ import annotations

import secrets
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import yaml

from conformance.base.clock import VIRTUAL_EPOCH_SECONDS
from conformance.base.errors import UsageError
from conformance.base.suite_version import source_digest, suite_version
from conformance.recording.run_record import Implementation, Run
from conformance.run.plan import RunPlan
from conformance.settings.public_arguments import public
from conformance.settings.settings import Settings

REFERENCE: Final = Implementation(
    organization="serving-conformance",
    project="embedded reference platform",
    url="https://example.org/serving-conformance",
    version=suite_version(),
    contact=("the maintainers of the suite",),
)
UNSTATED: Final = Implementation("unstated", "unstated", "https://example.org/unstated", "0", ("unstated",))


def make_folder(settings: Settings) -> Path:
    """A new run folder that holds the settings. Raises UsageError where nothing can be written."""
    reports = Path(settings.reports)
    if settings.clock == "virtual":
        name = f"virtual-{settings.seed:08d}" + (f"-{settings.fault.replace('/', '-')}" if settings.fault else "")
    else:
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    folder = reports / name
    number = 1
    while folder.exists():
        number += 1
        folder = reports / f"{name}.{number}"
    try:
        folder.mkdir(parents=True)
        text = yaml.safe_dump(settings.body(), sort_keys=True)
        (folder / "settings.yaml").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write reports to {reports}: {error}; set reports to a folder that can") from error
    return folder


def draft(plan: RunPlan, folder_name: str) -> Run:
    """The run's record as far as it is known."""
    settings = plan.settings
    virtual = settings.clock == "virtual"
    reference = settings.cluster == "embedded"
    return Run(
        id=folder_name.split(".")[0],
        command=plan.command or (simulation(settings) if virtual else _typed()),
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
        profiles=plan.profiles,
        features=settings.features,
        selected=tuple(sorted(entry.name for entry in plan.scenarios)),
        fault=settings.fault,
        deviations=settings.deviations(),
        submittable=plan.submittable,
    )


def _typed() -> str:
    return shlex.join([Path(sys.argv[0]).name, *public(sys.argv[1:])])


def simulation(settings: Settings) -> str:
    """The command that repeats a simulated run; by its settings, since the same run gives the same bytes however it was
    started."""
    words = ["conformance", "run", "--clock", "virtual"]
    if settings.seed:
        words += ["--seed", str(settings.seed)]
    if settings.fault:
        words += ["--fault", settings.fault]
    for option, names in (("--profile", settings.profiles), ("--only", settings.only), ("--skip", settings.skip)):
        for name in names:
            words += [option, name]
    return shlex.join(words)
