"""How many broken platforms this version of the suite catches, as measured before it was released.

`conformance faults --run --json | python -m reports.selftest` writes `selftest.json`, which is shipped with the suite.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "selftest.json"
UNMEASURED: Final = {
    "level": "simulated",
    "mutants": 1,
    "killed": 0,
    "survived": [
        {"mutant": "all", "reason": "this version of the suite has not been measured; run conformance faults --run"}
    ],
}


def self_test() -> dict[str, Any]:
    """The report's `suite.selfTest` block."""
    if not FILE.is_file():
        return dict(UNMEASURED)
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def measured(matrix: Mapping[str, Any]) -> dict[str, Any]:
    """The block from the matrix of `conformance faults --run --json`: a fault counts as caught when every requirement
    that names it caught it."""
    survived = []
    for line in matrix["faults"]:
        if line["caught"] and not line["missed"]:
            continue
        missed = ", ".join(line["missed"])
        reason = f"missed by {missed}" if missed else "no requirement says that it must be caught"
        if line["caught"]:
            reason += f"; caught by {', '.join(line['caught'])}"
        survived.append({"mutant": line["fault"], "reason": reason})
    count = len(matrix["faults"])
    return {"level": "simulated", "mutants": count, "killed": count - len(survived), "survived": survived}


def main() -> None:
    """Read the matrix from standard input and store the block."""
    block = measured(json.load(sys.stdin))
    FILE.write_text(json.dumps(block, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{block['killed']} of {block['mutants']} broken platforms caught\n")


if __name__ == "__main__":
    main()
