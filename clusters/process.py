"""Runs other programs: argument lists, never a shell; bounded in time; gone with its children when the caller is.

Nothing of the output is kept beyond what a message needs, since tools print addresses and paths.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.base.errors import PlatformError

logger = logging.getLogger(__name__)

STOP_SECONDS: Final = 5.0
SHOWN_LINES: Final = 8


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """Its last words, on one line."""
        lines = [line.strip() for line in (self.stderr or self.stdout).splitlines() if line.strip()]
        return " | ".join(lines[-SHOWN_LINES:]) or "it wrote nothing"


def find(name: str, variable: str | None = None, environ: Mapping[str, str] | None = None) -> str | None:
    """Path of a program: what the environment variable names, else the first on PATH."""
    values = os.environ if environ is None else environ
    if variable and values.get(variable):
        return shutil.which(values[variable], path=values.get("PATH"))
    return shutil.which(name, path=values.get("PATH"))


async def run(
    argv: Sequence[str],
    *,
    within: float,
    stdin: bytes | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    check: bool = True,
) -> Completed:
    """Run to the end.

    Raises PlatformError when it cannot be started, takes longer than `within` seconds, or (with `check`) fails."""
    begun = time.monotonic()
    logger.debug("starts %s", _shown(argv))
    async with started(argv, stdin=stdin is not None, environ=environ, folder=folder) as process:
        try:
            async with asyncio.timeout(within):
                stdout, stderr = await process.communicate(stdin)
        except TimeoutError:
            logger.warning("%s: not finished in %g s", _shown(argv), within)
            raise PlatformError(f"{_shown(argv)}: not finished in {within:g} s") from None
    done = Completed(
        tuple(argv), process.returncode or 0, stdout.decode(errors="replace"), stderr.decode(errors="replace")
    )
    logger.info("%s: exit code %d after %.1f s", _shown(argv), done.code, time.monotonic() - begun)
    if check and done.code != 0:
        raise PlatformError(f"{_shown(argv)}: exit code {done.code}: {done.tail}")
    return done


@asynccontextmanager
async def started(
    argv: Sequence[str],
    *,
    stdin: bool = False,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running program in its own process group, stopped at the end of the block if it has not ended."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=None if environ is None else dict(environ),
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise PlatformError(f"{argv[0]}: cannot be started: {error.strerror}") from error
    try:
        yield process
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            break
        # macOS says PermissionError of a group whose only member is a zombie.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                # Reads what is left: a program blocked on a full pipe would not end.
                await process.communicate()


def _shown(argv: Sequence[str]) -> str:
    return " ".join([Path(argv[0]).name, *argv[1:4]]) + (" …" if len(argv) > 4 else "")
