"""Prints the table of troubles for docs/reliability.md: `python -m tests.reliability`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from conformance.judge.judgement import Verdict
from tests.reliability.matrix import BROKEN, TELLTALE, TROUBLES, Outcome, meet


def line(honest: Outcome, broken: Outcome) -> str:
    """One row: what an honest platform got, and whether a broken one slipped through."""
    counts = honest.counts()
    accused = [name for name in honest.of(Verdict.FAIL) if not (honest.trouble.ingress and name.startswith("INT-"))]
    slipped = [name for name in TELLTALE if broken.judgements[name].verdict is Verdict.PASS]
    return (
        f"| {honest.trouble.name} | {counts['PASS']} | {counts['INCONCLUSIVE']} | {', '.join(accused) or 'none'} "
        f"| {', '.join(slipped) or 'none'} |"
    )


def main() -> None:
    """Run every trouble twice."""
    print(f"| trouble | PASS | INCONCLUSIVE | wrong FAIL | wrong PASS on {BROKEN} |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for number, trouble in enumerate(TROUBLES):
            honest = meet(trouble, Path(folder) / f"{number}-honest")
            print(line(honest, meet(trouble, Path(folder) / f"{number}-broken", BROKEN)), flush=True)


if __name__ == "__main__":
    main()
