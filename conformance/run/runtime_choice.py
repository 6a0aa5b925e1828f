"""Which ServingRuntimes the settings put into a scenario's namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from conformance.kube.serving_runtimes import Object, from_file, runtimes
from conformance.settings.settings import Settings


def builder(settings: Settings) -> Callable[..., Iterable[Object]]:
    """Called with image, service_ms= and start_seconds=: the witness's runtimes, a vendor's own, or with the documented
    models none, so that the cluster's runtimes are used. Raises UsageError for a file that holds no runtimes."""
    placement = settings.placement
    if placement.runtime_file:
        own = from_file(Path(placement.runtime_file))
        return lambda *_, **__: own
    if settings.model == "real":
        return lambda *_, **__: ()
    return partial(
        runtimes,
        node_selector=placement.node_selector,
        tolerations=placement.tolerations,
        image_pull_secret=placement.image_pull_secret,
    )
