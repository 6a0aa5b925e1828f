"""Reads a load command of a laboratory (hey, or the laboratory's own generators) as a plan's plain data."""

from __future__ import annotations

import re
from typing import Any, Final

HEY_WORKERS: Final = 50
"""hey's workers when -c is not given."""


def plan(command: str) -> dict[str, Any] | None:
    """The load plan of a command, None for a pause. Only what judging needs: shapes, workers, rates and lengths."""
    if re.fullmatch(r"\s*sleep\s+\S+\s*", command):
        return None
    steps = re.search(r"-steps\s+(\S+)", command)
    if steps:
        return {"phases": [_step(part) for part in steps[1].split(",") if "=" in part]}
    rate = _number(command, "rps")
    seconds = _seconds(command)
    if rate is not None:
        shape = "poisson" if "-poisson" in command else "constant"
        return {"phases": [{"shape": shape, "rate": rate, "seconds": seconds}]}
    per_worker = _number(command, "q")
    workers = int(_number(command, "c") or (HEY_WORKERS if "hey" in command else 1))
    count = _number(command, "n")
    if per_worker is not None:
        return {"phases": [{"shape": "salvo", "workers": workers, "rate_per_worker": per_worker, "seconds": seconds}]}
    phase: dict[str, Any] = {"shape": "closed", "workers": workers, "seconds": seconds}
    if count is not None:
        phase["count"] = int(count)
    return {"phases": [phase]}


def service_ms(command: str) -> int | None:
    """The service time a load asks for by header."""
    value = _number(command, "ms")
    return None if value is None else int(value)


def _step(part: str) -> dict[str, Any]:
    kind, _, rest = part.partition("=")
    amount, _, length = rest.partition(":")
    seconds = _duration(length)
    if kind == "c":
        return {"shape": "closed", "workers": int(float(amount)), "seconds": seconds}
    return {"shape": "constant", "rate": float(amount), "seconds": seconds}


def _number(command: str, flag: str) -> float | None:
    found = re.search(rf"(?:^|\s)-{flag}[\s=]+([0-9.]+)(?:\s|$)", command)
    return float(found[1]) if found else None


def _seconds(command: str) -> float:
    found = re.search(r"(?:^|\s)-z[\s=]+(\S+)", command)
    return _duration(found[1]) if found else 0.0


def _duration(text: str) -> float:
    total = 0.0
    for amount, unit in re.findall(r"([0-9.]+)(ms|s|m|h)?", text):
        total += float(amount) * {"ms": 0.001, "m": 60.0, "h": 3600.0}.get(unit, 1.0)
    return total
