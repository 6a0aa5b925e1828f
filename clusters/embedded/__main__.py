"""`python -m clusters.embedded`: the platform as a process of its own, for whoever started it.

One JSON line on standard output says where everything is. The process ends with its parent: when standard input is
closed, which also happens when the parent is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from clusters.embedded.install.platform_options import PlatformOptions
from conformance.base.errors import ConformanceError

T = TypeVar("T")

NICE: Final = -8
"""Behind the load generator, which has to be the most punctual of all."""


def run_fast(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def rise() -> None:
    """Ask for a better priority, as all its timing hangs on one loop; go without where it is not granted."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT end the platform."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


class _Lifeline(asyncio.Protocol):
    """Standard input: its end is ours."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._stop.set()

    def eof_received(self) -> bool:
        self._stop.set()
        return False


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m clusters.embedded")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fault")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ingress-port", type=int, default=0)
    parser.add_argument("--options", default="{}", help="PlatformOptions as JSON")
    return parser.parse_args(words)


async def _main(arguments: argparse.Namespace) -> None:
    from clusters.embedded.loopback.loopback_servers import serving

    rise()
    stop = asyncio.Event()
    stop_on_signals(stop)
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Lifeline(stop), sys.stdin)
    values = json.loads(arguments.options)
    if "way_seconds" in values:
        values["way_seconds"] = tuple(values["way_seconds"])
    async with serving(
        seed=arguments.seed,
        options=PlatformOptions(**values),
        fault=arguments.fault,
        port=arguments.port,
        ingress_port=arguments.ingress_port,
    ) as served:
        print(json.dumps(served.body()), flush=True)
        await stop.wait()


def main(words: Sequence[str] | None = None) -> int:
    """Run until told to stop; the exit code of what went wrong otherwise."""
    try:
        run_fast(_main(_arguments(sys.argv[1:] if words is None else words)))
    except ConformanceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
