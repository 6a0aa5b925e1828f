"""Was it the generator? Judges its own lines and says which limit was not met, by how much, and what to do.

Lag counts only what the generator is answerable for: how late it got round to an arrival that fell due by the clock.
Waiting for a busy worker is the server's doing and is in the rows as latency from the due time; so a slow server with
an idle generator leaves all of these met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

OFFERED_RATIO: Final = 0.99
LAG_SECONDS: Final = 0.001
LAG_SHARE: Final = 0.01
"""Lag that stays below 1 % of the latency it would falsify is harmless, whatever its length."""
CPU_SHARE: Final = 0.85
LOOP_LAG_SECONDS: Final = 0.02
"""A tenth of the shortest salvo or ramp step that autoscaling could tell from another."""
_STEAL_SHARE: Final = 0.02
_SWITCHES: Final = 100


@dataclass(frozen=True, slots=True)
class GeneratorFinding:
    """One look at the generator, with a code of the report's reasons."""

    code: str
    value: float
    limit: str
    ok: bool
    remedy: str = ""


def examine(
    lines: Sequence[Mapping[str, Any]], *, latency_seconds: float = 0.0, open_loop: bool = True
) -> tuple[GeneratorFinding, ...]:
    """Findings from a load's lines. `latency_seconds` is the median latency that was measured: lag is held to 1 % of
    it, or to 1 ms where that is more. Closed loops alone have no schedule to keep."""
    seconds = [line for line in lines if "t" in line]
    totals = next((line["summary"] for line in reversed(lines) if "summary" in line), seconds[-1] if seconds else None)
    if totals is None:
        return ()
    why = _why(seconds)
    found = [_cpu(seconds, totals, open_loop=open_loop)]
    if open_loop:
        found = [_offered(totals, why), _lag(seconds, latency_seconds, why), *found]
    return (*found, _loop(seconds, why))


def _rank(count: int) -> int:
    """Nine of ten seconds have to meet a limit: a single hiccup of the machine does not spoil a long load."""
    return max(0, math.ceil(count * 0.9) - 1)


def _offered(totals: Mapping[str, Any], why: str) -> GeneratorFinding:
    scheduled = totals["scheduled"]
    ratio = round(totals["sent"] / scheduled if scheduled else 1.0, 4)
    remedy = "arrivals were never sent: raise the limit in flight and of open files, or use more processes" + why
    return GeneratorFinding("OFFERED_LOAD_RATIO", ratio, f">= {OFFERED_RATIO}", ratio >= OFFERED_RATIO, remedy)


def _lag(seconds: Sequence[Mapping[str, Any]], latency_seconds: float, why: str) -> GeneratorFinding:
    lags = sorted(line["lag_p99_seconds"] for line in seconds)
    lag = lags[_rank(len(lags))] if lags else 0.0
    limit = round(max(LAG_SECONDS, LAG_SHARE * latency_seconds), 6)
    remedy = "requests went out late: give the generator a core of its own, or use more processes" + why
    return GeneratorFinding("SCHEDULE_LAG_P_SECONDS", lag, f"<= {limit}", lag <= limit, remedy)


def _cpu(seconds: Sequence[Mapping[str, Any]], totals: Mapping[str, Any], *, open_loop: bool) -> GeneratorFinding:
    shares = sorted(line["cpu_share"] for line in seconds)
    share = shares[_rank(len(shares))] if shares else 0.0
    limit = CPU_SHARE * max(1, totals.get("shards", 1))
    remedy = (
        "the generator was saturated: use more processes or a faster machine"
        if open_loop
        else "the generator was saturated, so latencies include its own: use more processes or fewer workers"
    )
    return GeneratorFinding("GENERATOR_CPU", share, f"<= {limit:g}", share <= limit, remedy)


def _loop(seconds: Sequence[Mapping[str, Any]], why: str) -> GeneratorFinding:
    lags = sorted(line["loop_lag_seconds"] for line in seconds)
    lag = lags[_rank(len(lags))] if lags else 0.0
    remedy = "the generator was held up: free the machine it runs on" + why
    return GeneratorFinding("LOOP_LAG_SECONDS", lag, f"<= {LOOP_LAG_SECONDS}", lag <= LOOP_LAG_SECONDS, remedy)


def _why(seconds: Sequence[Mapping[str, Any]]) -> str:
    causes = list(_causes(seconds))
    return f" ({'; '.join(causes)})" if causes else ""


def _causes(seconds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the machine did to the generator, for the remedy's reader."""
    if not seconds:
        return
    busy = max(line["cpu_share"] for line in seconds)
    if busy > CPU_SHARE:
        yield f"it used {busy:.0%} of a core"
    stolen = max(line["steal_share"] for line in seconds)
    if stolen > _STEAL_SHARE:
        yield f"the hypervisor took {stolen:.0%}"
    switches = max(line["involuntary_switches"] for line in seconds)
    if switches > _SWITCHES:
        yield f"other processes pushed it aside {switches} times in a second"
