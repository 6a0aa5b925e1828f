"""Programs that work for the platform: heard to the last line, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from clusters.embedded.programs import die_with_parent
from clusters.embedded.programs.child_program import LINE_BYTES, ChildProgram
from conformance.base.errors import PlatformError
from tests.embedded.programs.processes import gone, is_alive

pytestmark = pytest.mark.smoke

TALKS = "import sys; print('one'); print('two', file=sys.stderr); sys.stdout.write('three')"
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
PARENT = """
import subprocess, sys, time
from clusters.embedded.programs import die_with_parent
import os
sleeper = "import time; print('up', flush=True); time.sleep(60)"
words = [sys.executable, die_with_parent.__file__, str(os.getpid()), sys.executable, "-c", sleeper]
child = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


async def test_all_it_says_is_heard_line_by_line() -> None:
    said: list[str] = []
    child = await ChildProgram.start([sys.executable, "-u", "-c", TALKS], said.append)
    assert await child.wait() == 0
    await child.stop()
    assert said == ["one", "two", "three"]


async def test_a_line_without_end_is_heard_in_pieces() -> None:
    said: list[str] = []
    child = await ChildProgram.start([sys.executable, "-c", f"print('x' * {3 * LINE_BYTES})"], said.append)
    await child.wait()
    await child.stop()
    assert said
    assert max(map(len, said)) <= LINE_BYTES


async def test_a_program_that_cannot_be_run_is_named() -> None:
    with pytest.raises(PlatformError, match=r"^/nowhere/envoy: cannot be started: No such file"):
        await ChildProgram.start(["/nowhere/envoy"], print)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_program_that_does_not_want_to_end_goes_with_all_it_started() -> None:
    first: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    child = await ChildProgram.start([sys.executable, "-c", STUBBORN], lambda line: first.set_result(int(line)))
    grandchild = await first
    await child.stop()
    assert child.ended
    await gone(grandchild)


async def test_its_end_is_told_after_its_last_line() -> None:
    said: list[str] = []
    told = asyncio.Event()
    child = await ChildProgram.start([sys.executable, "-c", "print('last')"], said.append)
    child.at_end = told.set
    await told.wait()
    assert said == ["last"]
    await child.stop()


async def test_stopping_twice_is_no_harm() -> None:
    child = await ChildProgram.start([sys.executable, "-c", "pass"], print)
    await child.stop()
    await child.stop()
    assert child.ended


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own signal, Linux only")
async def test_a_bound_program_dies_with_its_parent_however_that_ends() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert is_alive(pid)
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    await gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own signal, Linux only")
async def test_a_program_bound_to_a_parent_that_is_gone_does_not_start() -> None:
    child = await ChildProgram.start(
        [sys.executable, die_with_parent.__file__, "1", sys.executable, "-c", "print('ran')"], print
    )
    assert await child.wait() == 1
    await child.stop()
