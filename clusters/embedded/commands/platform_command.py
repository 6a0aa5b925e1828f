"""`conformance platform`: the embedded platform in the foreground, for kubectl, a browser, or one's own controller."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.event_loop import run_fast, stop_on_signals
from clusters.embedded.loopback.loopback_servers import bind, serving
from clusters.embedded.status import status_page
from conformance.base.errors import Exit


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", default=0, help="Port of the Kubernetes API. [any free one]")
@click.option("--ingress-port", default=0, help="Port of the ingress. [any free one]")
@click.option("--status-port", default=0, help="Port of the status page. [any free one]")
@click.option("--fault", help="Break one documented behaviour; `conformance faults` lists them.")
@click.option("--gpus", default=8, show_default=True, type=click.IntRange(0, 512), help="Emulated accelerators.")
@click.option("--nodes", default=4, show_default=True, type=click.IntRange(1, 200), help="Nodes.")
@click.option("--seed", default=0, help="Seed of everything random.")
@click.option("--domain", default="example.com", show_default=True, help="Domain of outside hosts.")
@click.option(
    "--no-virtual-host",
    is_flag=True,
    help="Publish the Knative Service's own host, as KServe does without Istio.",
)
@click.option(
    "--mode",
    "default_mode",
    default="Knative",
    show_default=True,
    type=click.Choice(["Knative", "Standard"]),
    help="Default deployment mode.",
)
@click.option(
    "--ingress",
    default="own",
    show_default=True,
    type=click.Choice(["own", "envoy"]),
    help="envoy puts a real Envoy in front; Linux, after `make envoy`.",
)
@click.option(
    "--model-server",
    default="witness",
    show_default=True,
    type=click.Choice(["witness", "kserve"]),
    help="kserve runs KServe's own model server in predictor pods, a process each; after `make kserve`.",
)
@click.option(
    "--max-pods", type=click.IntRange(1), help="Pods that all nodes take. [110 a node; 32 with --model-server kserve]"
)
@click.option("--envoy-program", metavar="PATH", help="Envoy, if not that of `make envoy` or PATH.")
@click.option("--kserve-python", metavar="PATH", help="A Python with the KServe SDK, if not that of `make kserve`.")
def command(
    port: int,
    ingress_port: int,
    status_port: int,
    fault: str | None,
    seed: int,
    *,
    no_virtual_host: bool,
    **sizes: Any,
) -> int:
    """The embedded platform in the foreground, until Ctrl-C.

    Prints a kubeconfig and where the ingress is; both live as long as it runs, and on loopback only.
    """
    options = PlatformOptions(virtual_host=not no_virtual_host, **sizes)
    run_fast(_serve(options, seed, fault, port, ingress_port, status_port))
    return Exit.SUCCESS


async def _serve(
    options: PlatformOptions, seed: int, fault: str | None, port: int, ingress_port: int, status_port: int
) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    if status_port:
        bind(status_port, "--status-port").close()
    async with (
        serving(seed=seed, options=options, fault=fault, port=port, ingress_port=ingress_port) as served,
        status_page(served.platform, port=status_port) as page,
    ):
        host = f"SERVICE.NAMESPACE.{options.domain}"
        for line in (
            f"export KUBECONFIG={served.kubeconfig}",
            "",
            f"API      {served.server}",
            f"ingress  http://{served.ingress}   with header Host: {host}, as status.url says",
            f"status   {page}",
            *(f"part     {line}" for line in served.platform.programs.lines()),
            *([f"fault    {fault}: this platform is broken on purpose"] if fault else []),
            "",
            "Ctrl-C ends it.",
        ):
            click.echo(line)
        await stop.wait()
    click.echo("ended")
