"""The load generator beside hey and wrk, on this machine, in one run: `make bench`.

Runs are interleaved and medians compared, so that what disturbs the machine disturbs all. Clients have one core, the
server another. CPU seconds count everything of a client's process, interpreter start included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.load.child import ChildGenerator
from conformance.load.generator import LoadSpec
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.load_summary import ROWS
from tests.benchmarks import machine
from tests.benchmarks.clients import BODY, Result, engine, hey_rows, installed, ours
from tests.benchmarks.machine import Server, describe, may_raise, serving

SERVICE_SECONDS = 0.02


@dataclass(frozen=True)
class AsyncioConnection:
    """One figure and what it is held to."""

    what: str
    value: float
    target: str
    met: bool | None
    """None where there is nothing to compare with."""
    digits: int = 3

    def text(self) -> str:
        return f"{self.what:<66} {self.value:>12.{self.digits}f}  {self.target:<12} {self._mark}"

    def row(self) -> str:
        """A row of a Markdown table."""
        return f"| {self.what} | {self.value:.{self.digits}f} | {self.target} | {self._mark} |"

    @property
    def _mark(self) -> str:
        return {True: "met", False: "NOT MET", None: ""}[self.met]


def at_least(what: str, value: float, limit: float, digits: int = 2) -> AsyncioConnection:
    return AsyncioConnection(what, float(value), f">= {limit:g}", bool(value >= limit), digits)


def at_most(what: str, value: float, limit: float, digits: int = 3) -> AsyncioConnection:
    return AsyncioConnection(what, float(value), f"<= {limit:g}", bool(value <= limit), digits)


def figure(what: str, value: float, digits: int = 0) -> AsyncioConnection:
    return AsyncioConnection(what, value, "", None, digits)


def closed_loops(rounds: int, seconds: int) -> Iterator[AsyncioConnection]:
    """Requests per CPU second and per second against hey and wrk."""
    clients = installed()
    for workers in (5, 50):
        results: dict[str, list[Result]] = {name: [] for name in clients}
        with serving(raised=True) as server:
            for _ in range(rounds):
                for name, client in clients.items():
                    results[name].append(client(server.url, workers, seconds))
        cpu = {name: statistics.median(result.per_cpu_second for result in found) for name, found in results.items()}
        wall = {name: statistics.median(result.per_second for result in found) for name, found in results.items()}
        for name in clients:
            yield figure(f"closed loop c={workers}: {name}, requests per CPU second", cpu[name])
        if "hey" in clients:
            yield at_least(f"closed loop c={workers}: per CPU second, times hey", cpu["ours"] / cpu["hey"], 1.8)
            yield at_least(f"closed loop c={workers}: per second of wall, times hey", wall["ours"] / wall["hey"], 1.5)
        if "wrk" in clients:
            yield at_least(f"closed loop c={workers}: per CPU second, times wrk", cpu["ours"] / cpu["wrk"], 0.8)


def milliseconds(values: NDArray[Any], percent: float) -> float:
    """A percentile in milliseconds."""
    return float(np.percentile(values, percent)) * 1000 if len(values) else float("nan")


def open_loops(seconds: int) -> Iterator[AsyncioConnection]:
    """Punctuality of open loops, at real-time and at normal priority."""
    for priority, p50_limit, p99_limit in (("realtime", 0.05, 0.1), ("normal", None, 1.0)):
        for rate in (50, 500, 2000):
            name = f"open loop {rate}/s, {priority}"
            with serving(SERVICE_SECONDS, realtime=priority == "realtime") as server:
                result = engine(server.url, _constant(rate, seconds), priority)
            lag = _lag(result.rows)
            yield at_least(f"{name}: sent / planned", len(lag) / (rate * seconds), 0.999, 4)
            if p50_limit:
                yield at_most(f"{name}: lag p50, ms", milliseconds(lag, 50), p50_limit)
            yield at_most(f"{name}: lag p99, ms", milliseconds(lag, 99), p99_limit)
    with serving(realtime=True) as server:
        result = engine(server.url, _constant(20_000, seconds), "realtime")
    lag = _lag(result.rows)
    yield at_least("open loop 20000/s, realtime: answered / planned", result.requests / (20_000 * seconds), 0.999, 4)
    yield figure("open loop 20000/s, realtime: lag p99, ms", milliseconds(lag, 99), 3)


def _constant(rate: float, seconds: int) -> LoadPlan:
    return LoadPlan((Phase(LoadShape.CONSTANT, float(seconds), rate=rate),))


def _lag(rows: NDArray[Any] | None) -> NDArray[Any]:
    assert rows is not None
    sent = rows[~np.isnan(rows["sent"])]
    lag: NDArray[Any] = sent["sent"] - sent["scheduled"] - sent["connect_seconds"]
    return lag


async def busy_harness(server: Server, seconds: int, folder: Path) -> NDArray[Any]:
    """Offer 500/s while the harness parses JSON for 20 ms in every 50."""
    text = json.dumps([{"name": f"pod-{number}", "labels": {"a": "b"}} for number in range(200)])

    async def parse() -> None:
        while True:
            until = time.monotonic() + 0.02
            while time.monotonic() < until:
                json.loads(text)
            await asyncio.sleep(0.03)

    async with asyncio.TaskGroup() as group:
        parsing = group.create_task(parse())
        load = LoadSpec(_constant(500, seconds), Target(server.url, body=BODY), folder, 1, time.monotonic())
        await ChildGenerator().offer(load)
        parsing.cancel()
    return _lag(np.fromfile(folder / "load-1.rows", dtype=ROWS))


def harness(seconds: int) -> Iterator[AsyncioConnection]:
    """Does a busy harness disturb its generator?"""
    with serving(SERVICE_SECONDS) as server, tempfile.TemporaryDirectory() as folder:
        lag = asyncio.run(busy_harness(server, seconds, Path(folder)))
    yield at_most("open loop 500/s, harness busy 20 of 50 ms: lag p99, ms", milliseconds(lag, 99), 2.0)


def bias(seconds: int) -> Iterator[AsyncioConnection]:
    """Our latencies less the server's own, which logs arrivals and answers; hey's beside them."""
    with serving(SERVICE_SECONDS, logged=True, realtime=True) as server:
        result = engine(server.url, _constant(2000, seconds), "realtime")
    own = _bias(result, server)
    yield at_most("open loop 2000/s, realtime: bias p50, ms", milliseconds(own, 50), 0.07)
    yield at_most("open loop 2000/s, realtime: bias p99, ms", milliseconds(own, 99), 0.1)
    clients = {"ours": ours, "hey": hey_rows} if "hey" in installed() else {"ours": ours}
    biases: dict[str, list[NDArray[Any]]] = {name: [] for name in clients}
    for _ in range(3):
        for name, client in clients.items():
            with serving(SERVICE_SECONDS, logged=True, raised=True) as server:
                result = client(server.url, 10, seconds)
            biases[name].append(_bias(result, server))
    medians = {
        (name, percent): statistics.median(milliseconds(values, percent) for values in found)
        for name, found in biases.items()
        for percent in (50, 99)
    }
    for percent in (50, 99):
        value = medians["ours", percent]
        what = f"closed loop c=10: bias p{percent}, ms (hey's is the target)"
        yield at_most(what, value, round(medians["hey", percent], 3)) if "hey" in clients else figure(what, value, 3)


def _bias(result: Result, server: Server) -> NDArray[Any]:
    """Differences by rank: the server takes the same time for all, so which answer is whose does not matter."""
    theirs = np.sort([answered - arrived for arrived, answered in server.record])
    own = np.sort(result.latencies)
    count = min(len(own), len(theirs))
    bias: NDArray[Any] = own[:count] - theirs[:count]
    return bias


def agreement(seconds: int) -> Iterator[AsyncioConnection]:
    """Do hey's figures and ours agree on the same server?"""
    if "hey" not in installed():
        return
    with serving(SERVICE_SECONDS, raised=True) as server:
        pairs = [(hey_rows(server.url, 5, seconds), ours(server.url, 5, seconds)) for _ in range(3)]

    def off(measure: Any) -> float:
        return float(statistics.median(abs(measure(own) / measure(theirs) - 1) for theirs, own in pairs))

    yield at_most("agreement with hey: count, share off", off(lambda result: result.requests), 0.01, 4)
    yield at_most("agreement with hey: average, share off", off(lambda result: result.latencies.mean()), 0.05, 4)
    for percent in (50, 90, 99):

        def measure(result: Result, percent: int = percent) -> float:
            return float(np.percentile(result.latencies, percent))

        yield at_most(f"agreement with hey: p{percent}, share off", off(measure), 0.05, 4)


def main() -> int:
    """Print the table; exit status 1 when a target was not met."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of the closed loops [5]")
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement [5]")
    parser.add_argument("--markdown", action="store_true", help="end with the table in Markdown")
    parser.add_argument("--only", choices=["closed", "open", "harness", "bias", "agreement"], help="one part")
    parser.add_argument(
        "--shield", choices=list(machine.SHIELDS), default=machine.shield, help="closed loops' priority"
    )
    options = parser.parse_args()
    machine.shield = options.shield
    print(describe())
    missing = [name for name in ("hey", "wrk") if name not in installed()]
    if missing:
        print(f"not installed, so not compared: {', '.join(missing)}")
    if may_raise():
        words = " ".join(machine.SHIELDS[machine.shield])
        print(
            f"closed loops and their server run under `{words}`, so that other work of the machine disturbs them less"
        )
    else:
        print("not root: everything runs at normal priority, also what says realtime")
    print("what says realtime keeps both cores from halting, as `conformance load --realtime` does with its own")
    parts = {
        "closed": closed_loops(options.rounds, options.seconds),
        "open": open_loops(options.seconds),
        "harness": harness(options.seconds),
        "bias": bias(options.seconds),
        "agreement": agreement(options.seconds),
    }
    lines = []
    for name, part in parts.items():
        if options.only in (None, name):
            for line in part:
                print(line.text(), flush=True)
                lines.append(line)
    unmet = sum(line.met is False for line in lines)
    if options.markdown:
        print("\n".join(["", "| | measured | target | |", "|---|---|---|---|", *(line.row() for line in lines), ""]))
    print(f"{sum(line.met is True for line in lines)} targets met, {unmet} not met; {describe()}")
    return 1 if unmet else 0


if __name__ == "__main__":
    sys.exit(main())
