"""The witness as a process of its own: waits out its start, listens, and on SIGTERM finishes what it is doing.

It tells standard output every second what it served, and at the end, so that the log of a pod that is gone still says
so.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence

from clusters.witness.costs import RealCosts, keep_busy
from clusters.witness.devices import devices
from clusters.witness.witness import Witness
from clusters.witness.witness_settings import WitnessKind, WitnessSettings, from_machine
from conformance.base.clock import RealClock
from conformance.base.http.exchange import Handler, Request, Response
from conformance.base.http.http_client import Client
from conformance.base.http.http_server import Server


async def serve(settings: WitnessSettings, stop: asyncio.Event, *, host: str = "0.0.0.0") -> None:
    """Listen until `stop`, then drain. Raises OSError when the port cannot be had."""
    if not await _started(settings, stop):
        return
    client = Client()
    fetch = _predictor(client, settings.predictor_host) if settings.kind is WitnessKind.TRANSFORMER else None
    witness = Witness(settings, RealClock(), fetch=fetch, devices=devices(os.environ), costs=RealCosts())
    server = Server(witness)
    await server.listen(host, settings.port)
    _say({"listening": f"{server.host}:{server.port}", "pod": settings.pod, "kind": settings.kind.value})
    logging_accounts = asyncio.create_task(witness.log_accounts(_say))
    try:
        await stop.wait()
        await server.drain()
    finally:
        logging_accounts.cancel()
        await asyncio.gather(logging_accounts, return_exceptions=True)
        await server.close()
        await client.close()
        _say(witness.account())


async def _started(settings: WitnessSettings, stop: asyncio.Event) -> bool:
    """Whether the start-up time passed, busy as told, before the end came."""
    busy = asyncio.create_task(keep_busy(RealCosts(), RealClock(), settings.start_cores))
    try:
        async with asyncio.timeout(settings.start_seconds):
            await stop.wait()
    except TimeoutError:
        return True
    finally:
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)
    return not stop.is_set()


def _predictor(client: Client, address: str) -> Handler:
    host, _, port = address.removeprefix("http://").partition(":")

    async def fetch(request: Request) -> Response:
        return await client.call(host, int(port or 80), request)

    return fetch


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)


async def _until_signalled(settings: WitnessSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run to the end; 64 for settings that make no sense, 69 for a port that cannot be had."""
    try:
        settings = from_machine(sys.argv[1:] if arguments is None else arguments)
    except ValueError as error:
        print(f"witness: {error}", file=sys.stderr)
        return 64
    try:
        asyncio.run(_until_signalled(settings))
    except OSError as error:
        print(f"witness: port {settings.port}: {error.strerror or error}", file=sys.stderr)
        return 69
    return 0
