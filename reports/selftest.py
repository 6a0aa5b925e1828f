"""How many broken platforms this version of the suite catches, as measured before it was released.

`conformance faults --run --json | python -m reports.selftest` writes `selftest.json`, which is shipped with the suite.
The file says by a digest which requirement was held to which fault, so that a test can tell when it has grown old.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from reports.canonical import value_digest

COMMAND: Final = "conformance faults --run --json | python -m reports.selftest"
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
    return {name: value for name, value in found.items() if name != "claims"}


def claims_digest(claims: Mapping[str, Iterable[str]]) -> str:
    """Which requirements say that they catch which fault, as `sha256:...`; `claims` holds requirements by fault."""
    return value_digest({fault: sorted(names) for fault, names in claims.items()})


def measured(matrix: Mapping[str, Any]) -> dict[str, Any]:
    """The block from the matrix of `conformance faults --run --json`: a fault counts as caught when every requirement
    that names it caught it. Raises ValueError where the honest platform was accused: there is nothing to state then."""
    if accused := matrix.get("accused"):
        raise ValueError(f"the honest platform is accused: {', '.join(accused)}")
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
    """Read the matrix from standard input and store the block with the digest of what was measured."""
    matrix = json.load(sys.stdin)
    claims = {
        line["fault"]: [*line["caught"], *(text.split()[0] for text in line["missed"])] for line in matrix["faults"]
    }
    block = {**measured(matrix), "claims": claims_digest(claims)}
    FILE.write_text(json.dumps(block, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{block['killed']} of {block['mutants']} broken platforms caught\n")


if __name__ == "__main__":
    main()
