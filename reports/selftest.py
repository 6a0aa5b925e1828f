"""How many broken platforms this version of the suite catches, as measured when it was released.

`selftest.json` is written by `conformance faults --run --record` and shipped with the suite.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "selftest.json"
UNMEASURED: Final = {
    "level": "simulated",
    "mutants": 1,
    "killed": 0,
    "survived": [
        {"mutant": "all", "reason": "this version of the suite has not been measured; run `conformance faults --run`"}
    ],
}


def self_test() -> dict[str, Any]:
    """The report's `suite.selfTest` block."""
    if not FILE.is_file():
        return dict(UNMEASURED)
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
