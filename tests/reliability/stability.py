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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.judge.judgement import Verdict
from conformance.judge.serial import load
from conformance.requirement import catalogue

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
    judgements = load(found[-1].read_bytes())
    counts = Counter(entry.verdict.value for entry in judgements)
    catching = {entry.id for entry in catalogue() if fault in entry.faults}
    failed = [entry.requirement for entry in judgements if entry.verdict is Verdict.FAIL]
    caught = any(name in catching for name in failed)
    passed = [entry.requirement for entry in judgements if entry.verdict is Verdict.PASS]
    # A fault is let through when nothing fails although something that has to catch it passed.
    slipped = tuple(name for name in passed if name in catching) if fault else ()
    return Row(
        fault,
        seconds,
        counts,
        wrong_fail=() if fault else tuple(failed),
        wrong_pass=() if caught else slipped,
        beside=slipped if caught else (),
        ended=f"exit {done.returncode}",
    )


def main() -> None:
    """Print one row a run as it ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.stability")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--busy", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="background processes")
    parser.add_argument("--only", default="", help="scenarios or requirements, as for `conformance run`")
    parser.add_argument("--first", type=int, default=0, help="number of the first run in the rotation")
    parser.add_argument("--keep", type=Path, help="a folder that keeps the runs; they are removed otherwise")
    given = parser.parse_args()
    turns: list[str | None] = [fault for name in chosen_faults() for fault in (None, name)]
    print("| run | platform | s | PASS | FAIL | INCONCLUSIVE | ERROR", end=" ")
    print("| wrong FAIL | wrong PASS | PASS beside FAIL | ended |")
    print("|---" * 11 + "|", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as place, background(given.busy):
        for number in range(given.first, given.first + given.runs):
            rows.append(run(turns[number % len(turns)], (given.keep or Path(place)) / str(number), given.only))
            print(rows[-1].text(number + 1), flush=True)
    wrong = sum(bool(row.wrong_fail) for row in rows), sum(bool(row.wrong_pass) for row in rows)
    print(f"\n{len(rows)} runs, {wrong[0]} with a wrong FAIL, {wrong[1]} with a wrong PASS")
    raise SystemExit(1 if any(wrong) else 0)


if __name__ == "__main__":
    main()
