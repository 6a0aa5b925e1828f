"""An audit: the same profile on the same product once more, with a seed and at a time of the auditor's choosing.

A report can be forged by someone who makes up recordings that fit the model; a run with a seed that nobody knew before
settles it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.base.terminal import printable
from conformance.judge.judged_run import JudgedRun

OWN: Final = ("reports", "seed", "fault")
"""Settings that are the auditor's, not the submission's."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the auditor needs."""

    settings: Mapping[str, Any]
    """For `conformance run --config`; addresses and credentials of the cluster are the auditor's to add."""
    command: str
    lines: tuple[str, ...]


def audit(judged: JudgedRun, seed: int, config: str) -> Audit:
    """Draw up the re-run of a submission."""
    run = judged.run
    settings = {name: value for name, value in run.settings.items() if name not in OWN and value not in (None, {}, [])}
    settings["profiles"] = list(run.profiles)
    settings["seed"] = seed
    command = shlex.join(["conformance", "run", "--config", config])
    lines = (
        f"product   {run.implementation.project} {run.implementation.version} by {run.implementation.organization}",
        f"submitted run {run.id}, seed {run.seed}, suite {run.suite_version}",
        f"profiles  {', '.join(run.profiles)}",
        f"seed      {seed}",
        "",
        f"1. install suite {run.suite_version}; `conformance version` must show {run.source_digest}",
        f"2. {command}",
        "3. conformance verify on both bundles",
        "4. conformance compare SUBMITTED AUDITED; a requirement that turned from PASS to FAIL opens a dispute",
    )
    return Audit(settings, command, tuple(printable(line) for line in lines))
