"""`python -m clusters.embedded`: the platform as a process of its own, for whoever started it.

One JSON line on standard output says where everything is. The process ends with its parent: when standard input is
closed, which also happens when the parent is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.event_loop import raise_priority, run_fast, stop_on_signals
from conformance.base.errors import ConformanceError


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

    raise_priority()
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
    """Run until told to stop. Returns 0, or the exit code of what went wrong."""
    try:
        run_fast(_main(_arguments(sys.argv[1:] if words is None else words)))
    except ConformanceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
