import asyncio
import os
import sys
from pathlib import Path

import pytest

from clusters.process import find, run, started
from conformance.base.errors import PlatformError


async def test_arguments_reach_the_program_as_they_are_without_a_shell() -> None:
    done = await run([sys.executable, "-c", "import sys; print(sys.argv[1:])", "a b", "$HOME", "'"], within=20)
    assert done.stdout.strip() == str(["a b", "$HOME", "'"])


async def test_a_failure_is_told_with_the_last_words() -> None:
    program = "import sys; print('noise'); sys.stderr.write('first\\nthe cause\\n'); sys.exit(3)"
    with pytest.raises(PlatformError, match=r"exit code 3: first \| the cause$"):
        await run([sys.executable, "-c", program], within=20)


async def test_a_failure_may_be_an_answer() -> None:
    assert (await run([sys.executable, "-c", "raise SystemExit(3)"], within=20, check=False)).code == 3


async def test_a_program_that_takes_too_long_is_stopped_with_its_children() -> None:
    program = "import os, time; os.fork(); print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(PlatformError, match=r"not finished in 0\.5 s"):
        await run([sys.executable, "-c", program], within=0.5)


async def test_a_program_ends_with_the_block_that_started_it() -> None:
    async with started([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]) as process:
        assert process.stdout is not None
        await process.stdout.readline()
        group = process.pid
    assert process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


async def test_a_cancelled_caller_leaves_nothing_behind() -> None:
    task = asyncio.create_task(run([sys.executable, "-c", "import time; time.sleep(60)"], within=60))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_standard_input_is_passed_on() -> None:
    done = await run([sys.executable, "-c", "print(input())"], within=20, stdin=b"words\n")
    assert done.stdout == "words\n"


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(PlatformError, match="/no/such: cannot be started: No such file"):
        await run(["/no/such"], within=1)


def test_a_variable_names_a_program_before_the_path_does(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    own.write_text("#!/bin/sh\n", encoding="utf-8")
    own.chmod(0o755)
    assert find("sh", "TOOL", {"TOOL": str(own), "PATH": "/bin"}) == str(own)
    assert find("sh", "TOOL", {"PATH": "/bin"}) == "/bin/sh"
    assert find("sh", "TOOL", {"TOOL": "/no/such", "PATH": "/bin"}) is None
