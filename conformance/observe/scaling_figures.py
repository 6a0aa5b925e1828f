"""Writes the autoscaler's own figures into a recording when its scenario ends, where a Prometheus has them."""

from __future__ import annotations

from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.observe.prometheus import Ask, UnreadableError, at, behind, discover, samples
from conformance.recording.run_bodies import MetricBody, NoteBody
from conformance.recording.writer import Recorder


async def record(api: ApiClient, recorder: Recorder, namespace: str, address: str | None, *, search: bool) -> None:
    """Ask a Prometheus for the scenario's figures so far: the one at `address`, an address or NAMESPACE/SERVICE:PORT of
    the cluster, or with `search` those that the cluster seems to have. Without either nothing is asked.

    What cannot be had is noted; nothing fails for it."""
    try:
        sources = [_named(api, address)] if address else await _found(api) if search else []
    except PlatformError as error:
        _note(recorder, f"Services cannot be listed: {error}")
        return
    for called, ask in sources:
        origin = recorder.header.origin_wall
        try:
            found = await samples(ask, namespace, origin, origin + recorder.now())
        except (PlatformError, UnreadableError) as error:
            _note(recorder, f"{called} was not read: {error}")
            continue
        for sample in found:
            at = round(sample.wall - origin, 3)
            recorder.write(MetricBody("prometheus", sample.values, sample.revision, at))
        if found:
            return
        _note(recorder, f"{called} knows no figure of the autoscaler for this namespace")


def _named(api: ApiClient, address: str) -> tuple[str, Ask]:
    if address.startswith(("http://", "https://")):
        return "the address in the settings", at(address)
    space, _, rest = address.partition("/")
    name, _, port = rest.partition(":")
    return f"Prometheus {name} in {space}", behind(api, space, name, port)


async def _found(api: ApiClient) -> list[tuple[str, Ask]]:
    sources = await discover(api)
    return [(f"Prometheus {name} in {space}", behind(api, space, name, port)) for space, name, port in sources]


def _note(recorder: Recorder, text: str) -> None:
    recorder.write(NoteBody(f"autoscaler figures: {text}", "info"))
