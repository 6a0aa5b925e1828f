"""The machine a benchmark runs on: its description, its cores, and the server at the other end."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conformance.load.realtime import awake

HERE = Path(__file__).parent


def describe() -> str:
    """One line for the reader of the table."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cores = os.cpu_count() or 1
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{model}, {cores} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"load average {load}"
    )


SHIELDS = {"nice": ["nice", "-n", "-15"], "realtime": ["chrt", "-f", "15"]}
shield = "nice"
"""How processes are shielded from other work of the machine; `realtime` for a machine that is busy with it."""


def pinned(core: int, command: list[str], *, raised: bool = False) -> list[str]:
    """The command on one core, where that can be had; the server gets the last core, clients the first. `raised`
    shields it from other work of the machine, where that is allowed."""
    if raised and may_raise():
        command = [*SHIELDS[shield], *command]
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core), *command]
    return command


def may_raise() -> bool:
    """Whether priorities can be raised here."""
    return os.geteuid() == 0 and shutil.which(SHIELDS[shield][0]) is not None


def last_core() -> int:
    return (os.cpu_count() or 1) - 1


@dataclass
class Server:
    """A server that runs."""

    url: str
    record: list[tuple[float, float]] = field(default_factory=list)
    """(arrival, answer) of every request in monotonic seconds, once the block has ended."""


@contextlib.contextmanager
def serving(
    delay_seconds: float = 0.0, *, logged: bool = False, realtime: bool = False, raised: bool = False
) -> Iterator[Server]:
    """Our own C server where there is a compiler, else the same in Python with less room at the top."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        command = [*_program(folder), "0", str(round(delay_seconds * 1e6)), str(log) if logged else ""]
        if realtime and shutil.which("chrt"):
            command = ["chrt", "-f", "20", *command]
        command = pinned(last_core(), command, raised=raised)
        # What the server takes to wake up would count as ours.
        core = awake(last_core()) if realtime and sys.platform == "linux" else contextlib.nullcontext()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1])
        assert process.stdout
        try:
            port = int(process.stdout.readline())
            server = Server(f"http://127.0.0.1:{port}/v1/models/flowers-sample:predict")
            with core:
                yield server
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()
        if logged:
            lines = (line.split() for line in log.read_text().splitlines())
            server.record += [(int(arrived) / 1e9, int(answered) / 1e9) for arrived, answered in lines]


def _program(folder: str) -> list[str]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler and sys.platform == "linux":
        program = str(Path(folder, "server"))
        subprocess.run([compiler, "-O2", "-o", program, str(HERE / "server.c")], check=True)
        return [program]
    return [sys.executable, "-m", "tests.benchmarks.server"]
