"""`conformance load`: hey's command line on this suite's generator."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import click

from conformance.base.errors import Exit, UsageError
from conformance.load.flags import DEFAULT_CONTENT_TYPE, Flags

_REFUSED = {
    "x": ("-x", "a proxy between would shape the load; send straight to the server, with --address if need be"),
    "h2": ("-h2", "requests go over HTTP/1.1, as documented examples do"),
}


def _refuse(_: click.Context, parameter: click.Parameter, value: object) -> None:
    if value:
        flag, why = _REFUSED[str(parameter.name)]
        raise UsageError(f"{flag} is not supported: {why}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("url")
@click.option("-n", "requests", type=int, help="Requests in all; each worker sends n/c. [200]")
@click.option("-c", "workers", type=int, help="Workers, each with one request in flight. [50]")
@click.option("-q", "rate_per_worker", type=float, help="Requests per second PER WORKER, as hey means it.")
@click.option("-z", "duration", metavar="DURATION", help="How long to send: 30s, 1m30s. What is in flight is awaited.")
@click.option(
    "-rate", "--rate", "rate", type=float, help="Total rate of an open loop: arrivals do not wait for answers."
)
@click.option("-poisson", "--poisson", "poisson", is_flag=True, help="Random gaps with the mean that -rate says.")
@click.option("--seed", default=0, help="Seed of the random gaps.")
@click.option("--plan", "plan_file", metavar="FILE", help="Phases of traffic as YAML or JSON.")
@click.option("-m", "method", default="GET", help="Method. [GET]")
@click.option("-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header; may be repeated.")
@click.option("-host", "--host", "host", help="Host header, and the name TLS asks for.")
@click.option("-d", "body", help="Body.")
@click.option("-D", "body_file", metavar="FILE", help="Body from a file.")
@click.option("-T", "content_type", default=DEFAULT_CONTENT_TYPE, help=f"Content-Type. [{DEFAULT_CONTENT_TYPE}]")
@click.option("-A", "accept", help="Accept header.")
@click.option("-a", "authorization", metavar="USER:PASSWORD", help="Basic authentication.")
@click.option("-U", "user_agent", help="User-Agent.")
@click.option("-t", "timeout_seconds", type=float, default=20.0, help="Seconds per request, 0 for none. [20]")
@click.option(
    "-disable-keepalive", "--disable-keepalive", "no_keep_alive", is_flag=True, help="One request a connection."
)
@click.option("-disable-compression", "--disable-compression", "_compression", is_flag=True, help="Always so here.")
@click.option("-disable-redirects", "--disable-redirects", "_redirects", is_flag=True, help="Always so here.")
@click.option("-cpus", "--cpus", "processes", type=int, help="Processes. [chosen from the rate]")
@click.option(
    "-o", "output", type=click.Choice(["csv", "json"]), help="Print rows or the summary in this form instead."
)
@click.option("-x", "x", metavar="HOST:PORT", callback=_refuse, expose_value=False, hidden=True)
@click.option("-h2", "h2", is_flag=True, callback=_refuse, expose_value=False, hidden=True)
@click.option("--address", metavar="HOST:PORT", help="Connect there instead of to the URL's host.")
@click.option("--cacert", "ca_file", metavar="FILE", help="Certificate authorities to trust.")
@click.option("-k", "--insecure", "insecure", is_flag=True, help="Do not verify TLS (hey never does).")
@click.option("--drain", "drain_seconds", type=float, help="Seconds to wait for answers after the end. [-t and 1]")
@click.option("--max-in-flight", type=int, help="Cap of an open loop; arrivals beyond it are counted as never sent.")
@click.option("--request-ids", is_flag=True, help="Number requests in an x-request-id header.")
@click.option("--rows", "folder", metavar="FOLDER", help="Keep the rows there.")
@click.option("--histograms", metavar="FILE", help="Write HDR histograms per phase, pod and kind of answer as JSON.")
@click.option("--realtime", is_flag=True, help="Ask for real-time scheduling.")
@click.option("--shards", type=int, help="Send from this many pods in a cluster, as an Indexed Job.")
@click.option("--image", help="Image for --shards; see fixtures/load/Dockerfile.")
@click.option("--namespace", default="default", help="Namespace for --shards. [default]")
@click.option("--kubeconfig", metavar="FILE", help="Cluster for --shards.")
@click.option("--context", "kube_context", help="Context of the kubeconfig for --shards.")
@click.option("--lead", "lead_seconds", type=float, default=60.0, help="Seconds until the shards' common start. [60]")
@click.option("--strict", is_flag=True, help="Exit with 2 when the generator was the bottleneck.")
def command(
    folder: str | None,
    output: str | None,
    processes: int | None,
    histograms: str | None,
    realtime: bool,
    strict: bool,
    shards: int | None,
    image: str | None,
    namespace: str,
    kubeconfig: str | None,
    kube_context: str | None,
    lead_seconds: float,
    no_keep_alive: bool,
    insecure: bool,
    _compression: bool,
    _redirects: bool,
    **given: Any,
) -> None:
    """Send HTTP load to URL with hey's flags, and print what came of it.

    Without -rate this is hey: -c workers in a closed loop, -q paces each of them. With -rate it is an open loop at that
    total rate. Ctrl-C prints what there is. Redirects are answers, answers are not compressed, TLS is verified.
    """
    from conformance.load.child import ChildGenerator
    from conformance.load.console import Console
    from conformance.load.in_cluster_load import KubeconfigGenerator
    from conformance.load.indexed_job import Sharding

    flags = Flags(keep_alive=not no_keep_alive, verify=not insecure, **given)
    if processes is not None and processes < 1:
        raise UsageError(f"-cpus {processes}: at least one process is needed")
    place = None
    if shards is not None:
        if shards < 1 or not image or processes is not None or realtime:
            raise UsageError("--shards wants a number above 0 and --image, and neither -cpus nor --realtime")
        spread = Sharding(shards, image, lead_seconds=lead_seconds)
        place = KubeconfigGenerator(kubeconfig, kube_context, namespace, spread)
    with tempfile.TemporaryDirectory(prefix="conformance-load-") as scratch:
        generator = place or ChildGenerator("realtime" if realtime else "elevated", processes)
        console = Console(flags, Path(folder or scratch), generator)
        interrupted = False
        try:
            asyncio.run(console.offer())
        except KeyboardInterrupt:
            interrupted = True
        sound = console.report(output, histograms)
    if interrupted:
        raise SystemExit(Exit.INTERRUPTED)
    if strict and not sound:
        raise SystemExit(Exit.INCONCLUSIVE)
