"""The clients that are compared: hey, wrk and this project's engine, each in a process of its own on one core."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.load.load_job import LoadJob
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.load_summary import ROWS
from tests.benchmarks.machine import pinned

BODY = b'{"instances": [[0.1, 0.2, 0.3, 0.4]]}'


@dataclass(frozen=True)
class Result:
    """One run of one client."""

    requests: int
    cpu_seconds: float
    seconds: float
    latencies: NDArray[Any]
    """Seconds; empty where the client does not tell them one by one."""
    rows: NDArray[Any] | None = None

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cpu_seconds

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


Client = Callable[[str, int, int], Result]
"""(url, workers, seconds) → a closed loop's result."""


def installed() -> dict[str, Client]:
    """Clients by name: those this machine has, and ours."""
    found: dict[str, Client] = {name: client for name, client in (("hey", hey), ("wrk", wrk)) if shutil.which(name)}
    found["ours"] = ours
    return found


def run(command: list[str], stdin: bytes = b"", *, raised: bool = True) -> tuple[str, float, float]:
    """(output, CPU seconds, wall seconds) of a command on the first core."""
    began = time.monotonic()
    process = subprocess.Popen(pinned(0, command, raised=raised), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(stdin)
    process.stdin.flush()
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdin.close()
    process.stdout.close()
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {output[-500:]}")
    return output, usage.ru_utime + usage.ru_stime, time.monotonic() - began


def hey(url: str, workers: int, seconds: int, *more: str) -> Result:
    """hey in its summary form; `hey_rows` for one latency a request."""
    with tempfile.NamedTemporaryFile() as body:
        Path(body.name).write_bytes(BODY)
        options = ["-z", f"{seconds}s", "-c", str(workers), "-m", "POST", "-T", "application/json", "-D", body.name]
        output, cpu_seconds, _ = run(["hey", *options, *more, url])
    if "-o" in more:
        latencies = np.array([float(line.split(",")[0]) for line in output.splitlines()[1:]])
        return Result(len(latencies), cpu_seconds, seconds, latencies)
    requests = sum(int(count) for count in re.findall(r"\[\d+\]\t(\d+) responses", output))
    return Result(requests, cpu_seconds, seconds, np.zeros(0))


def hey_rows(url: str, workers: int, seconds: int) -> Result:
    """hey with every latency, to a tenth of a millisecond."""
    return hey(url, workers, seconds, "-o", "csv")


def wrk(url: str, workers: int, seconds: int) -> Result:
    """wrk with the same request."""
    script = f"wrk.method='POST'\nwrk.body=[==[{BODY.decode()}]==]\nwrk.headers['Content-Type']='application/json'\n"
    with tempfile.NamedTemporaryFile(suffix=".lua") as file:
        Path(file.name).write_text(script)
        command = ["wrk", "-t", "1", "-c", str(workers), "-d", f"{seconds}s", "-s", file.name, url]
        output, cpu_seconds, _ = run(command)
    match = re.search(r"(\d+) requests in", output)
    assert match
    return Result(int(match[1]), cpu_seconds, seconds, np.zeros(0))


def ours(url: str, workers: int, seconds: int) -> Result:
    """This project's engine, all rows kept."""
    return engine(url, LoadPlan((Phase(LoadShape.CLOSED, float(seconds), workers=workers),)), raised=True)


def engine(url: str, plan: LoadPlan, priority: str = "normal", *, raised: bool = False) -> Result:
    """Any plan on our engine."""
    with tempfile.TemporaryDirectory() as folder:
        headers = (("Content-Type", "application/json"),)
        target = Target(url, headers=headers, body=BODY, request_ids=False)
        job = LoadJob(plan, target, folder, 1, 0.0, priority=priority)
        output, cpu_seconds, _ = run([sys.executable, "-m", "conformance.load.child_main"], job.line(), raised=raised)
        last = json.loads(output.splitlines()[-1])
        if "error" in last:
            raise SystemExit(last["error"])
        rows = np.fromfile(Path(folder, "load-1.rows"), dtype=ROWS)
    answered = rows[rows["error"] == 0]
    return Result(len(answered), cpu_seconds, plan.seconds, answered["end"] - answered["sent"], rows)
