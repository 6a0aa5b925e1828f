"""A core that is kept awake, and is let go of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conformance.load.realtime import choose_core, has_timerfd, own_core

pytestmark = [pytest.mark.smoke, pytest.mark.skipif(not has_timerfd(), reason="Linux alone has these policies")]


def test_shards_have_cores_of_their_own_as_long_as_there_are_any() -> None:
    assert [choose_core({0, 1, 2}, shard) for shard in range(4)] == [2, 1, 0, 2]


def children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(word) for task in tasks for word in (task / "children").read_text().split()}


def test_the_idler_gives_way_to_everything_and_ends_with_the_block() -> None:
    def hold() -> tuple[set[int], set[int]]:
        before = children()
        with own_core():
            (idler,) = children() - before
            core = os.sched_getaffinity(0)
            deadline = time.monotonic() + 10.0
            while os.sched_getscheduler(idler) != os.SCHED_IDLE:
                assert time.monotonic() < deadline, "never became idle by policy"
                os.sched_yield()
            assert os.sched_getaffinity(idler) == core
        return core, children() - before

    # Affinity is a thread's own, so this one's is lost with it.
    with ThreadPoolExecutor(1) as threads:
        core, left = threads.submit(hold).result()
    assert len(core) == 1
    assert left == set()


def test_the_idler_outlives_no_engine_however_that_ends() -> None:
    code = (
        "import os, signal, pathlib\n"
        "from conformance.load.realtime import own_core\n"
        "with own_core():\n"
        "    print(pathlib.Path('/proc/thread-self/children').read_text().strip(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=60)
    idler = Path("/proc", done.stdout.strip())
    deadline = time.monotonic() + 20.0
    while idler.exists():
        assert time.monotonic() < deadline, "it goes on without its engine"
        os.sched_yield()
