"""Reads a load command of a laboratory (hey, or the laboratory's own generators) as a plan's plain data."""

from __future__ import annotations

import re
from typing import Final

from conformance.recording.shape import Json

HEY_WORKERS: Final = 50
"""hey's workers when -c is not given."""
UNITS: Final = {"ms": 0.001, "m": 60.0, "h": 3600.0}
"""Seconds in a unit of time; seconds without one."""
Phase = dict[str, Json]


def phases(command: str) -> list[Phase] | None:
    """The phases of a command's load, None for a pause. Only what judging needs: shapes, workers, rates and lengths."""
    if re.fullmatch(r"\s*sleep\s+\S+\s*", command):
        return None
    steps = re.search(r"-steps\s+(\S+)", command)
    if steps:
        return [_step(part) for part in steps[1].split(",") if "=" in part]
    length = re.search(r"(?:^|\s)-z[\s=]+(\S+)", command)
    seconds = _duration(length[1]) if length else 0.0
    rate = _number(command, "rps")
    if rate is not None:
        return [{"shape": "poisson" if "-poisson" in command else "constant", "rate": rate, "seconds": seconds}]
    per_worker, count = _number(command, "q"), _number(command, "n")
    workers = int(_number(command, "c") or (HEY_WORKERS if "hey" in command else 1))
    if per_worker is not None:
        return [{"shape": "salvo", "workers": workers, "rate_per_worker": per_worker, "seconds": seconds}]
    limit: Phase = {} if count is None else {"count": int(count)}
    return [{"shape": "closed", "workers": workers, "seconds": seconds, **limit}]


def _step(part: str) -> Phase:
    kind, _, rest = part.partition("=")
    amount, _, length = rest.partition(":")
    if kind == "c":
        return {"shape": "closed", "workers": int(float(amount)), "seconds": _duration(length)}
    return {"shape": "constant", "rate": float(amount), "seconds": _duration(length)}


def _number(command: str, flag: str) -> float | None:
    found = re.search(rf"(?:^|\s)-{flag}[\s=]+([0-9.]+)(?:\s|$)", command)
    return float(found[1]) if found else None


def _duration(text: str) -> float:
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)?", text)
    return sum((float(amount) * UNITS.get(unit, 1.0) for amount, unit in parts), 0.0)
