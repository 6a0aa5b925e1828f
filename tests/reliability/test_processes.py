"""Runs that are interrupted, killed or doubled leave a readable recording and a cluster that can be cleaned."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from conformance.kube.api_client import ApiClient
from conformance.kube.official_client import connect
from conformance.kube.resources import NAMESPACES
from conformance.kube.verbs import create, delete, list_all
from conformance.recording.reader import Recording
from conformance.recording.run_bodies import EndBody, Outcome, PhaseBody
from conformance.run.deployment import OWNER_ANNOTATION, RUN_LABEL, SUITE, SUITE_LABEL, sweep

pytestmark = [pytest.mark.smoke, pytest.mark.long]

T = TypeVar("T")

PATIENCE_SECONDS = 240.0
SCENARIO = "limit-buffered"
"""One that comes to its load soon."""


@dataclass
class Platform:
    """An embedded platform that outlives the runs on it."""

    kubeconfig: str
    ingress: str

    def namespaces(self, labels: str = f"{SUITE_LABEL}={SUITE}") -> dict[str, dict[str, Any]]:
        """Namespaces by name, those of the suite alone if not asked otherwise."""

        async def read(api: ApiClient) -> dict[str, dict[str, Any]]:
            items, _ = await list_all(api, NAMESPACES, labels=labels)
            return {item["metadata"]["name"]: item for item in items}

        return self._through(read)

    def standing(self) -> list[str]:
        """Namespaces of the suite that nobody has asked to delete."""
        found = self.namespaces()
        return [name for name, item in found.items() if "deletionTimestamp" not in item["metadata"]]

    def sweep(self) -> None:
        """What the next run begins with."""

        async def remove(api: ApiClient) -> None:
            await sweep(api, time.time())

        self._through(remove)

    def present(self) -> set[str]:
        """All namespaces that nobody has asked to delete."""
        found = self.namespaces("")
        return {name for name, item in found.items() if "deletionTimestamp" not in item["metadata"]}

    @contextmanager
    def neighbours(self, like: str) -> Iterator[set[str]]:
        """Namespaces of others, of names and labels very like those of a run that is over."""
        past = json.dumps({"host": "elsewhere", "pid": 1, "until": 5})
        labels: tuple[dict[str, str], ...] = (
            {}, {SUITE_LABEL: SUITE}, {RUN_LABEL: "20260101-000000-abcd"}, {f"{SUITE_LABEL}-2": SUITE},
            {SUITE_LABEL: f"{SUITE}-2", RUN_LABEL: "20260101-000000-abcd"},
        )  # fmt: skip
        made = {f"{like[:58]}-n{number}": given for number, given in enumerate(labels)}

        async def make(api: ApiClient) -> None:
            for name, given in made.items():
                metadata = {"name": name, "labels": given, "annotations": {OWNER_ANNOTATION: past}}
                await create(api, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

        async def unmake(api: ApiClient) -> None:
            for name in made:
                await delete(api, NAMESPACES, None, name)

        self._through(make)
        try:
            yield set(made)
        finally:
            self._through(unmake)

    def _through(self, work: Callable[[ApiClient], Awaitable[T]]) -> T:
        async def main() -> T:
            api = await connect(self.kubeconfig)
            try:
                return await work(api)
            finally:
                await api.close()

        return asyncio.run(main())

    def run(self, reports: Path, only: str) -> subprocess.Popen[str]:
        """Start a run against it as against anybody's cluster."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "conformance", "run", "--cluster", "existing", "--gpu", "none"),
                *("--kubeconfig", self.kubeconfig, "--ingress", self.ingress),
                *("--only", only, "--reports", str(reports)),
                # Pods are half a minute on their way out, which is not what any of these tests is about.
                *("--set", "timeouts.deletion_timeout_seconds=1"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    process = subprocess.Popen(
        [sys.executable, "-m", "clusters.embedded"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    yield Platform(told["kubeconfig"], told["ingress"])
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Never leave a run behind."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)


def when(condition: Callable[[], Any]) -> Any:
    """Look until something is there; the processes under test have no event to wait for."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)
    return found


def phase_reached(reports: Path, name: str) -> Callable[[], bool]:
    """Whether a recording has come to a phase."""

    def look() -> bool:
        return any(
            f'"name":"{name}"' in line and '"kind":"phase"' in line
            for path in reports.glob("*/recording/*/facts.jsonl")
            for line in path.read_text(encoding="utf-8").splitlines()
        )

    return look


def the_run(reports: Path) -> Path:
    (folder,) = (path for path in reports.iterdir() if path.is_dir())
    return folder


@pytest.mark.parametrize(
    ("phase", "number"),
    [
        ("deploy", signal.SIGINT),
        pytest.param("settle", signal.SIGINT, marks=pytest.mark.thorough),
        ("load", signal.SIGTERM),
    ],
)
def test_an_interrupted_run_cleans_up_and_reports(
    platform: Platform, tmp_path: Path, phase: str, number: signal.Signals
) -> None:
    with running(platform.run(tmp_path, SCENARIO)) as process:
        when(phase_reached(tmp_path, phase))
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, output
    assert "INCONCLUSIVE" in output
    assert "FAIL " not in output
    folder = the_run(tmp_path)
    assert (folder / "report.yaml").is_file()
    *_, last = Recording(folder / "recording" / SCENARIO).facts()
    assert isinstance(last.body, EndBody)
    assert last.body.outcome is Outcome.INTERRUPTED
    assert platform.standing() == []


@pytest.mark.parametrize("phase", ["deploy", pytest.param("settle", marks=pytest.mark.thorough), "load"])
def test_a_killed_run_leaves_a_readable_prefix_and_the_next_run_cleans_up_after_it_alone(
    platform: Platform, tmp_path: Path, phase: str
) -> None:
    with running(platform.run(tmp_path / "killed", SCENARIO)) as process:
        when(phase_reached(tmp_path / "killed", phase))
        process.kill()
        process.wait(PATIENCE_SECONDS)
    facts = list(Recording(the_run(tmp_path / "killed") / "recording" / SCENARIO).facts())
    assert any(isinstance(fact.body, PhaseBody) and fact.body.name == phase for fact in facts)
    left = platform.standing()
    assert len(left) == 1
    with platform.neighbours(left[0]) as neighbours:
        if phase == "load":
            with running(platform.run(tmp_path / "next", "qps-refused")) as process:
                output, _ = process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 0, output
            assert re.findall(r"removed (\S+), left over", output) == left
        else:
            platform.sweep()
        assert set(platform.standing()) <= neighbours
        assert platform.present() >= neighbours


def test_a_run_that_is_killed_while_it_takes_away_leaves_nothing_that_the_next_does_not_remove(
    platform: Platform, tmp_path: Path
) -> None:
    with running(platform.run(tmp_path / "killed", "qps-refused")) as process:
        when(
            lambda: any(
                '"kind":"end"' in path.read_text() for path in tmp_path.glob("killed/*/recording/*/facts.jsonl")
            )
        )
        process.kill()
        process.wait(PATIENCE_SECONDS)
    with running(platform.run(tmp_path / "next", "qps-refused")) as process:
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output
    assert platform.standing() == []


@pytest.mark.parametrize("file", [pytest.param("run.json", marks=pytest.mark.thorough), "report.yaml"])
def test_a_run_that_is_killed_after_its_last_scenario_is_judged_from_what_it_recorded(
    platform: Platform, tmp_path: Path, file: str
) -> None:
    with running(platform.run(tmp_path, "qps-refused")) as process:
        when(lambda: list(tmp_path.glob(f"*/{file}")))
        process.kill()
        process.wait(PATIENCE_SECONDS)
    platform.sweep()
    assert platform.standing() == []
    again = subprocess.run(
        [sys.executable, "-m", "conformance", "judge", str(the_run(tmp_path))],
        capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    # 3: of the catalogue's requirements a run of one scenario decides a part.
    assert again.returncode == 3, again.stdout + again.stderr
    assert re.search(r"^DEP-012 +PASS ", again.stdout, re.MULTILINE)
    assert not re.search(r" (FAIL|ERROR) ", again.stdout)


def test_two_runs_at_once_leave_each_other_alone(platform: Platform, tmp_path: Path) -> None:
    with (
        running(platform.run(tmp_path / "one", "typed-fields")) as one,
        running(platform.run(tmp_path / "two", "typed-fields")) as two,
    ):
        runs = when(lambda: len({_run(item) for item in platform.namespaces().values()} - {None}) >= 2)
        outputs = [process.communicate(timeout=PATIENCE_SECONDS * 2)[0] for process in (one, two)]
    assert runs
    assert [one.returncode, two.returncode] == [0, 0], outputs
    assert not any("removed" in output for output in outputs)


def _run(item: dict[str, Any]) -> str | None:
    metadata = item["metadata"]
    return None if "deletionTimestamp" in metadata else metadata["labels"].get(RUN_LABEL)


def test_no_process_of_a_killed_run_survives_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "conformance", "run", "--only", SCENARIO),
            *("--reports", str(tmp_path)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with running(process):
        when(phase_reached(tmp_path, "load"))
        children = descendants(process.pid)
        assert children
        process.kill()
        process.wait(PATIENCE_SECONDS)
        when(lambda: not any(alive(child) for child in children))


def descendants(parent: int) -> list[int]:
    """Process ids below a process, by `ps`, which Linux and macOS share."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True, timeout=20)
    pairs = [tuple(map(int, line.split())) for line in listing.stdout.splitlines()]
    found, todo = [], [parent]
    while todo:
        above = todo.pop()
        below = [pid for pid, ppid in pairs if ppid == above]
        found += below
        todo += below
    return found


def alive(pid: int) -> bool:
    """Whether a process still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=20
    )
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")
