"""`conformance load`: the load generator's command line, and shards in a cluster on top."""

from __future__ import annotations

from typing import Any

import click

from conformance.base.errors import UsageError
from conformance.load.command import load_options, run
from conformance.run.generators.suite_errors import suite_errors


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@load_options
@click.option("--shards", type=int, help="Send from this many pods in a cluster, as an Indexed Job.")
@click.option("--image", help="Image for --shards; see fixtures/load/Dockerfile.")
@click.option("--namespace", default="default", help="Namespace for --shards. [default]")
@click.option("--kubeconfig", metavar="FILE", help="Cluster for --shards.")
@click.option("--context", "kube_context", help="Context of the kubeconfig for --shards.")
@click.option("--lead", "lead_seconds", type=float, default=60.0, help="Seconds until the shards' common start. [60]")
def command(
    shards: int | None,
    image: str | None,
    namespace: str,
    kubeconfig: str | None,
    kube_context: str | None,
    lead_seconds: float,
    **given: Any,
) -> int:
    """Send HTTP load to URL with hey's flags, and print what came of it.

    Without -rate this is hey: -c workers in a closed loop, -q paces each of them. With -rate it is an open loop at that
    total rate. Ctrl-C prints what there is. Redirects are answers, answers are not compressed, TLS is verified.
    """
    generator = None
    if shards is not None:
        from conformance.run.generators.in_cluster_generator import KubeconfigGenerator
        from conformance.run.generators.indexed_job import Sharding

        if shards < 1 or not image or given["processes"] is not None or given["realtime"]:
            raise UsageError("--shards wants a number above 0 and --image, and neither -cpus nor --realtime")
        sharding = Sharding(shards, image, lead_seconds=lead_seconds)
        generator = KubeconfigGenerator(kubeconfig, kube_context, namespace, sharding)
    with suite_errors():
        return run(generator=generator, **given)
