"""A program that works for the platform: in a session of its own, heard line by line, ended with all it started."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from conformance.base.errors import PlatformError

STOP_SECONDS: Final = 2.0
"""From the request to stop until it is killed; the platform itself is given five."""
LINE_BYTES: Final = 16_384


class ChildProgram:
    """One running program. Whoever starts it stops it."""

    def __init__(self, process: asyncio.subprocess.Process, heard: Callable[[str], None]) -> None:
        """`heard` gets every line of its output and errors."""
        self.at_end: Callable[[], None] | None = None
        """Called once it has ended and said its last line."""
        self._process = process
        self._heard = heard
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, argv: Sequence[str], heard: Callable[[str], None], environ: Mapping[str, str] | None = None
    ) -> ChildProgram:
        """Its standard input stays open as long as this process lives. Raises PlatformError when it cannot be run."""
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=None if environ is None else dict(environ),
                start_new_session=True,
            )
        except OSError as error:
            raise PlatformError(f"{argv[0]}: cannot be started: {error.strerror}") from error
        return cls(process, heard)

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is no more."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Its exit code when it has ended; negative for a signal."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask, then force, and wait for its last line."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            # macOS says PermissionError of a group whose only member is a zombie.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
                    await asyncio.shield(self._reading)
                    return
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        rest = b""
        while chunk := await stream.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._tell(line)
            if len(rest) > LINE_BYTES:
                self._tell(rest)
                rest = b""
        if rest:
            self._tell(rest)
        if self.at_end is not None:
            self.at_end()

    def _tell(self, line: bytes) -> None:
        self._heard(line[:LINE_BYTES].decode("utf-8", "replace").rstrip("\r"))
