"""Fuzzes every target for a while and prints the table: `python -m tests.reliability.fuzz --seconds 60`.

What breaks is printed with its place; write the smallest input that does it into `test_known.py`.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.reliability.fuzz.targets import TARGETS, Target

BATCH = 20
PHASES = [Phase.generate]
"""Without shrinking, which takes minutes on inputs of this size; what broke is told by where it broke."""


def fuzz(target: Target, seconds: float, start: int) -> tuple[int, str]:
    """(examples tried, what broke or nothing)."""
    tried = 0
    end = time.monotonic() + seconds

    def counted(data: st.DataObject) -> None:
        nonlocal tried
        tried += 1
        target(data)

    while time.monotonic() < end:
        checks = list(HealthCheck)
        batch = settings(max_examples=BATCH, deadline=None, database=None, suppress_health_check=checks, phases=PHASES)
        try:
            seed(start)(batch(given(st.data())(counted)))()
        except BaseException as error:  # whatever escapes is what we look for
            if isinstance(error, KeyboardInterrupt):
                raise
            frames = [f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)]
            return tried, f"{type(error).__name__}: {str(error)[:300]}\n  at {' '.join(frames[-7:])}"
        start += 1
    return tried, ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row per target."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.fuzz")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="part of a target's name")
    given_ = parser.parse_args(arguments)
    warnings.simplefilter("error")
    print("| input | examples | broken |\n|---|---|---|")
    broken = []
    for name, target in TARGETS.items():
        if given_.only in name:
            tried, trouble = fuzz(target, given_.seconds, given_.seed)
            print(f"| {name} | {tried:,} | {'yes' if trouble else '0'} |", flush=True)
            broken += [f"{name}\n{trouble}"] if trouble else []
            print(trouble, file=sys.stderr, flush=True)
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
