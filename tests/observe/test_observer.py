"""What is watched becomes facts: what happens, once, and not what merely ends."""

from __future__ import annotations

from pathlib import Path

from clusters.embedded.install import contents
from clusters.embedded.platform import Platform
from conformance.base.clock import run_virtual, virtual_clock
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.resources import CONFIG_MAPS, EVENTS, NAMESPACES
from conformance.observe.observer import observe
from conformance.recording.pod_bodies import EventBody
from conformance.recording.reader import Recording
from conformance.recording.writer import Header, Recorder


def test_an_event_that_the_server_drops_after_an_hour_has_not_happened_again(tmp_path: Path) -> None:
    async def main() -> None:
        clock = virtual_clock()
        platform = Platform(clock, seed=1)
        contents.fill(platform.store, platform.options)
        platform.store.create(NAMESPACES, {"metadata": {"name": "space"}})
        api = InProcessClient(platform.app, platform.token)
        header = Header("s", "r", 1, "virtual", clock.monotonic(), clock.wall(), "0", "embedded", {})
        with Recorder(tmp_path / "r", header, clock) as recorder:
            async with observe(api, "space", recorder, clock):
                about = {"kind": "Pod", "name": "p", "namespace": "space"}
                event = {"metadata": {"name": "e"}, "involvedObject": about, "reason": "Pulled", "count": 1}
                platform.store.create(EVENTS, event, namespace="space")
                await clock.sleep(3600.0)
                platform.store.create(CONFIG_MAPS, {"metadata": {"name": "m"}}, namespace="space")
                await clock.sleep(1.0)
        assert platform.store.list(EVENTS) == []

    run_virtual(main())
    told = [fact.body for fact in Recording(tmp_path / "r").facts() if isinstance(fact.body, EventBody)]
    assert [(body.name, body.reason) for body in told] == [("p", "Pulled")]
