"""What is good enough: `p99<2s,errors<0.1%`, held against a service's figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from conformance.base.errors import UsageError, nearest
from conformance.judge.service_summary import ServiceSummary

_TERM: Final = re.compile(r"\s*([a-z]+|p[0-9]+(?:\.[0-9]+)?)\s*(<=|<)\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|%)?\s*")
_UNITS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1.0, "%": 0.01, "": 1.0}
_FIGURES: Final[Mapping[str, Callable[[ServiceSummary], float]]] = {
    "errors": lambda found: found.error_share,
    "cold": lambda found: float(found.cold_requests),
    "pods": lambda found: float(found.peak_pods),
}


@dataclass(frozen=True, slots=True)
class Objective:
    """One figure and its limit: seconds, a share, or a count."""

    name: str
    limit: float
    strict: bool

    def holds(self, found: ServiceSummary) -> bool:
        """Whether the figure is within the limit; a latency that nobody has measured is not."""
        percent = self.name[1:]
        value = (
            found.percentile(float(percent))
            if self.name[0] == "p" and percent[:1].isdigit()
            else _FIGURES[self.name](found)
        )
        return value < self.limit if self.strict else value <= self.limit


def objectives(text: str) -> tuple[Objective, ...]:
    """Raises UsageError for what is no `FIGURE<LIMIT`."""
    found = []
    for part in text.split(","):
        match = _TERM.fullmatch(part)
        if match is None:
            raise UsageError(f"--slo {part.strip()!r}: FIGURE<LIMIT is wanted, as in p99<2s,errors<0.1%")
        name, sign, number, unit = match.groups()
        latency = bool(re.fullmatch(r"p[0-9.]+", name))
        if not latency and name not in _FIGURES:
            raise UsageError(f"--slo {name}: no such figure; {nearest(name, ('p50', 'p99', *_FIGURES))}")
        if latency and (unit not in ("ms", "s") or not 0 < float(name[1:]) <= 100):
            raise UsageError(f"--slo {part.strip()}: a percentile up to 100 and a time in s or ms are wanted")
        found.append(Objective(name, float(number) * _UNITS[unit or ""], sign == "<"))
    return tuple(found)
