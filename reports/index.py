"""An index of runs in one sqlite file: history per requirement, and the flake ledger.

The index is a convenience that can be rebuilt from the runs' folders at any time. The ledger asks how often a
requirement says FAIL about the same implementation under the same suite with nothing broken on purpose: on a conforming
platform each of these is a false alarm. Until the upper end of the rate's Wilson interval is under 5 % a requirement is
provisional there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.judge.judged_run import FILE
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.serial import load
from conformance.recording.run_record import Run
from reports.intervals import wilson

NAME: Final = "index.sqlite"
PROVISIONAL: Final = 0.05
_SCHEMA: Final = """
create table if not exists run (
  id text primary key, folder text not null, started real not null, clock text not null, provider text not null,
  fault text not null, implementation text not null, suite text not null
);
create table if not exists verdict (
  run text not null references run (id) on delete cascade, requirement text not null, verdict text not null,
  margin text not null, value real, unit text not null, primary key (run, requirement)
);
create index if not exists verdict_by_requirement on verdict (requirement);
"""


@dataclass(frozen=True, slots=True)
class Flake:
    """How often a requirement failed where it should not have."""

    requirement: str
    runs: int
    failures: int

    @property
    def upper95(self) -> float:
        """Upper end of the rate's 95 % interval."""
        return wilson(self.failures, self.runs)[1]

    @property
    def provisional(self) -> bool:
        """Not yet shown to be reliable."""
        return self.upper95 >= PROVISIONAL


@dataclass(frozen=True, slots=True)
class PastVerdict:
    """One requirement in one run."""

    run: str
    started: float
    implementation: str
    verdict: str
    margin: str
    value: float | None
    unit: str


@contextmanager
def _open(root: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(root / NAME, timeout=10.0)) as connection:
        connection.execute("pragma foreign_keys = on")
        connection.executescript(_SCHEMA)
        with connection:
            yield connection


def implementation_of(run: Run) -> str:
    """The implementation as the index names it."""
    return f"{run.implementation.organization} {run.implementation.project} {run.implementation.version}"


def record(folder: Path, run: Run, judgements: Iterable[Judgement]) -> None:
    """Enter a run into the index beside its folder, in place of what was known of it. Raises sqlite3.Error when the
    index cannot be written."""
    with _open(folder.parent) as connection:
        connection.execute("delete from run where id = ?", (folder.name,))
        connection.execute(
            "insert into run values (?, ?, ?, ?, ?, ?, ?, ?)",
            (folder.name, folder.name, run.started_wall, run.clock, run.provider, run.fault or "",
             implementation_of(run), run.suite_version),
        )  # fmt: skip
        connection.executemany(
            "insert into verdict values (?, ?, ?, ?, ?, ?)",
            [
                (
                    folder.name,
                    entry.requirement,
                    entry.verdict.value,
                    entry.margin.value if entry.margin else "",
                    entry.measured.value if entry.measured else None,
                    entry.measured.unit if entry.measured else "",
                )
                for entry in judgements
            ],
        )


def rebuild(root: Path) -> int:
    """Read all runs below a folder into a fresh index; returns how many there were."""
    (root / NAME).unlink(missing_ok=True)
    count = 0
    for folder in sorted(root.iterdir()):
        if (folder / "run.json").is_file() and (folder / FILE).is_file():
            try:
                record(folder, Run.read(folder), load((folder / FILE).read_bytes()))
            except ValueError:
                continue  # a folder of another version; its own views still stand
            count += 1
    return count


def history(root: Path, requirement: str) -> list[PastVerdict]:
    """A requirement in all runs, oldest first."""
    with _open(root) as connection:
        rows = connection.execute(
            "select run.id, started, implementation, verdict, margin, value, unit from verdict "
            "join run on run.id = verdict.run where requirement = ? order by started, run.id",
            (requirement,),
        ).fetchall()
    return [PastVerdict(*row) for row in rows]


def ledger(root: Path, implementation: str | None = None) -> list[Flake]:
    """The flake ledger over decided verdicts of unbroken platforms, by requirement."""
    with _open(root) as connection:
        rows = connection.execute(
            "select requirement, count(*), sum(verdict = ?) from verdict join run on run.id = verdict.run "
            "where fault = '' and verdict in (?, ?) and (? is null or implementation = ?) "
            "group by requirement order by requirement",
            (Verdict.FAIL.value, Verdict.PASS.value, Verdict.FAIL.value, implementation, implementation),
        ).fetchall()
    return [Flake(str(name), int(runs), int(failures)) for name, runs, failures in rows]
