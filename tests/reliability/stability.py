"""Verdict stability in real time under load: `python -m tests.reliability.stability --runs 50`.

Runs the default suite on the embedded platform, honest and broken by turns, while other processes keep the processors
busy. No honest run may FAIL and no broken one may pass what has to catch its fault; INCONCLUSIVE is an honest answer on
a machine without room.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.judging import judge_run
from conformance.judge.requirements import catalogue
from conformance.judge.serial import load
from conformance.recording.run_record import Run

FAULTS: Final = ("target-doubled", "utilization-100", "panic-never-entered", "zero-never", "max-scale-ignored")
"""Rotated; those the platform does not know are left out."""
BUSY: Final = "import itertools\nfor _ in itertools.count(): pass"


@dataclass(frozen=True, slots=True)
class Row:
    """One run."""

    fault: str | None
    seconds: float
    counts: Counter[str]
    wrong_fail: tuple[str, ...]
    wrong_pass: tuple[str, ...]
    """What names the fault and passed, where nothing that names it failed."""
    beside: tuple[str, ...] = ()
    """What names the fault and passed beside one that failed."""
    ended: str = ""

    def text(self, number: int) -> str:
        """A row of the table."""
        figures = " | ".join(str(self.counts[verdict]) for verdict in ("PASS", "FAIL", "INCONCLUSIVE", "ERROR"))
        wrong = f"{', '.join(self.wrong_fail) or '0'} | {', '.join(self.wrong_pass) or '0'}"
        head = f"| {number} | {self.fault or 'honest'} | {self.seconds:.0f} | {figures} | {wrong}"
        return f"{head} | {', '.join(self.beside) or '0'} | {self.ended} |"


def chosen_faults() -> tuple[str, ...]:
    """Five faults that exist and that some requirement of the default profiles has to catch."""
    from clusters.embedded.faults import faults

    known = faults()

    named = {name for entry in catalogue() for name in entry.faults}
    found = [name for name in FAULTS if name in known]
    found += [name for name in sorted(named & set(known)) if name not in found]
    return tuple(found[:5])


@contextmanager
def background(processes: int) -> Iterator[None]:
    """So many processes that never rest."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(fault: str | None, reports: Path, only: str) -> Row:
    """One run of the suite in a process of its own, judged by what it wrote."""
    words = [sys.executable, "-m", "conformance", "run", "--reports", str(reports)]
    words += ["--fault", fault] if fault else []
    words += ["--only", only] if only else []
    begun = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=3600)
    seconds = time.monotonic() - begun
    found = sorted(reports.glob("*/judgements.json"))
    if not found:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        return Row(fault, seconds, Counter(), (), (), ended=f"exit {done.returncode}: {' '.join(last)[:80]}")
    return row(fault, seconds, load(found[-1].read_bytes()), f"exit {done.returncode}")


def again(folder: Path) -> Row:
    """A kept run, judged once more."""
    (place,) = (path.parent for path in folder.glob("*/run.json"))
    made = Run.read(place)
    return row(made.fault, made.finished_wall - made.started_wall, judge_run(place).judgements, "judged again")


def row(fault: str | None, seconds: float, judgements: Sequence[Judgement], ended: str) -> Row:
    """What a run's judgements are worth."""
    catching = {entry.id for entry in catalogue() if fault in entry.faults}
    failed = tuple(entry.requirement for entry in judgements if entry.verdict is Verdict.FAIL)
    caught = any(name in catching for name in failed)
    # A fault is let through when nothing fails although something that has to catch it passed.
    passed = [entry.requirement for entry in judgements if entry.verdict is Verdict.PASS]
    slipped = tuple(name for name in passed if name in catching) if fault else ()
    return Row(
        fault,
        seconds,
        Counter(entry.verdict.value for entry in judgements),
        wrong_fail=() if fault else failed,
        wrong_pass=() if caught else slipped,
        beside=slipped if caught else (),
        ended=ended,
    )


def rows(given: argparse.Namespace) -> Iterator[tuple[int, Row]]:
    """Number and outcome of each run."""
    if given.again:
        for folder in sorted(given.again.iterdir(), key=lambda path: int(path.name)):
            if any(folder.glob("*/run.json")):
                yield int(folder.name), again(folder)
        return
    turns: list[str | None] = [fault for name in chosen_faults() for fault in (None, name)]
    with tempfile.TemporaryDirectory() as place, background(given.busy):
        for number in range(given.first, given.first + given.runs):
            yield number, run(turns[number % len(turns)], (given.keep or Path(place)) / str(number), given.only)


def main() -> None:
    """Print one row a run as it ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.stability")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--busy", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="background processes")
    parser.add_argument("--only", default="", help="scenarios or requirements, as for `conformance run`")
    parser.add_argument("--first", type=int, default=0, help="number of the first run in the rotation")
    parser.add_argument("--keep", type=Path, help="a folder that keeps the runs; they are removed otherwise")
    parser.add_argument("--again", type=Path, help="judge the runs kept in this folder once more, and run nothing")
    given = parser.parse_args()
    print("| run | platform | s | PASS | FAIL | INCONCLUSIVE | ERROR", end=" ")
    print("| wrong FAIL | wrong PASS | PASS beside FAIL | ended |")
    print("|---" * 11 + "|", flush=True)
    found = []
    for number, entry in rows(given):
        found.append(entry)
        print(entry.text(number + 1), flush=True)
    wrong = sum(bool(entry.wrong_fail) for entry in found), sum(bool(entry.wrong_pass) for entry in found)
    print(f"\n{len(found)} runs, {wrong[0]} with a wrong FAIL, {wrong[1]} with a wrong PASS")
    raise SystemExit(1 if any(wrong) else 0)


if __name__ == "__main__":
    main()
