"""Writes the autoscaler's own figures into a recording when its scenario ends, where a Prometheus has them."""

from __future__ import annotations

from conformance.api.protocol import Door
from conformance.errors import PlatformError
from conformance.observe.prometheus import Ask, UnreadableError, at, behind, discover, samples
from conformance.recording.facts import Kind
from conformance.recording.writer import Recorder


async def record(door: Door, recorder: Recorder, namespace: str, url: str | None) -> None:
    """Ask the Prometheus at `url`, or those the cluster seems to have, for the scenario's figures so far.

    What cannot be had is noted; nothing fails for it."""
    try:
        places = [("the address in the settings", at(url))] if url else await _found(door)
    except PlatformError as error:
        _note(recorder, f"Services cannot be listed: {error}")
        return
    for place, ask in places:
        origin = recorder.header.origin_wall
        try:
            found = await samples(ask, namespace, origin, origin + recorder.now())
        except (PlatformError, UnreadableError) as error:
            _note(recorder, f"{place} was not read: {error}")
            continue
        for sample in found:
            body = {"revision": sample.revision, "at": round(sample.wall - origin, 3), "values": dict(sample.values)}
            recorder.write(Kind.METRIC, {"source": "prometheus", **body})
        if found:
            return
        _note(recorder, f"{place} knows no figure of the autoscaler for this namespace")


async def _found(door: Door) -> list[tuple[str, Ask]]:
    places = await discover(door)
    return [(f"Prometheus {name} in {space}", behind(door, space, name, port)) for space, name, port in places]


def _note(recorder: Recorder, text: str) -> None:
    recorder.write(Kind.NOTE, {"level": "info", "text": f"autoscaler figures: {text}"})
