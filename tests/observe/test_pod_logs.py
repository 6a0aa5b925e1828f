"""What pods say is kept: the witness's account of what it served, and logs, without secrets and within bounds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from clusters.embedded.embedded_provider import EmbeddedProvider
from conformance.base.clock import run_virtual, virtual_clock
from conformance.catalogue.scenario import scenarios
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.cluster import Cluster
from conformance.kube.verbs import ApiStatus
from conformance.observe.observer import Observer
from conformance.observe.pod_logs import LOG_BYTES, account, record_pod_logs
from conformance.recording.body import ChangeType
from conformance.recording.facts import Fact, FactKind
from conformance.recording.pod_bodies import ContainerStatus, PodBody
from conformance.recording.reader import Recording
from conformance.recording.redaction import Redactor
from conformance.recording.run_bodies import EndBody, NoteBody, Outcome, WitnessBody
from conformance.recording.writer import Header, Recorder
from conformance.run.context import Conditions, ScenarioContext
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.scenario_run import run_scenario

POD = "flowers-00001-deployment-abc-12345"
RUN = "20261124-000000-0001"


class Deaf:
    """A api whose account may not read logs."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        if path.endswith("/log"):
            return Answer(403, {}, b"{}")
        return await self._api.request(method, path, **options)

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        if path.endswith("/log"):
            raise ApiStatus(403, "Forbidden", "no")
        async with self._api.stream(path, query=query) as lines:
            yield lines

    async def close(self) -> None:
        await self._api.close()


class Told:
    """A api behind which every container has said the same."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[str] = []

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, **options: Any
    ) -> Answer:
        self.asked.append((query or {})["container"])
        return Answer(200, {}, self.text.encode())

    def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> Any:
        raise AssertionError("nothing leaves here")

    async def close(self) -> None:
        """Nothing is held open."""


def recorded(folder: Path, name: str, *, deaf: bool = False) -> tuple[list[Fact[Any]], Recording]:
    """Run a scenario in virtual time."""

    async def story() -> None:
        from dataclasses import replace

        clock = virtual_clock()
        async with EmbeddedProvider(clock=clock, seed=3).open() as cluster:
            there = replace(cluster, api=Deaf(cluster.api)) if deaf else cluster
            assert cluster.ingress.handler is not None
            generator = InProcessGenerator(cluster.ingress.handler, clock)
            conditions = Conditions(RUN, 3, "0.1.0")
            context = ScenarioContext(there, scenarios()[name], folder, conditions, generator, lambda _: None)
            await run_scenario(context)

    run_virtual(story())
    recording = Recording(folder / "recording" / name)
    return list(recording.facts()), recording


def test_pods_that_leave_and_pods_that_stay_account_for_every_answer(tmp_path: Path) -> None:
    facts, recording = recorded(tmp_path, "scale-to-zero")
    pods = [fact.body for fact in facts if isinstance(fact.body, PodBody)]
    left = {pod.name for pod in pods if pod.change is ChangeType.DELETED}
    told = {fact.body.pod: fact.body.served for fact in facts if isinstance(fact.body, WitnessBody)}
    assert set(told) & left
    assert set(told) - left
    answered: Counter[tuple[str, int]] = Counter()
    for load in recording.loads():
        answered.update((load.names[row.pod - 1], row.request) for row in load.rows() if row.status == 200)
    heard: Counter[tuple[str, int]] = Counter()
    for path in (tmp_path / "witness" / "scale-to-zero").iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            heard.update((path.stem, int(number)) for number in json.loads(line)["requests"])
    assert answered
    assert heard == answered
    assert sum(told.values()) == heard.total()
    assert facts[-1].kind is FactKind.END


def test_logs_that_may_not_be_read_are_noted_once_and_nothing_else_fails(tmp_path: Path) -> None:
    facts, _ = recorded(tmp_path, "scale-to-zero", deaf=True)
    notes = [fact.body.text for fact in facts if isinstance(fact.body, NoteBody)]
    assert notes == ["logs of pods cannot be read (403): the account needs get on pods/log"]
    assert facts[-1].body == EndBody(Outcome.COMPLETE)
    assert not (tmp_path / "logs").exists()


def said(folder: Path, text: str, *, ready: bool = True, serving: str = "kserve-container") -> Told:
    """Hear one pod that is there at the end."""
    api = Told(text)

    async def story() -> None:
        clock = virtual_clock()
        header = Header("story", RUN, 1, "virtual", clock.monotonic(), clock.wall(), "0.1.0", "embedded", {})
        with Recorder(folder / "recording" / "story", header, clock) as recorder:
            observer = Observer(recorder, clock)
            containers = (ContainerStatus(serving), ContainerStatus("queue-proxy"))
            init = (ContainerStatus("storage-initializer"),)
            pod = PodBody(POD, phase="Running", ready=ready, containers=containers, init_containers=init)
            observer.state.update(pod)
            redactor = Redactor(("very-secret",))
            redactor.learn("node", "machine-of-acme")
            cluster = Cluster("existing", api, None, None, clock)  # type: ignore[arg-type]
            async with record_pod_logs(cluster, "space", observer, recorder, folder, redactor):
                for listener in observer.listeners:
                    listener(pod)

    run_virtual(story())
    return api


def test_a_log_is_stored_without_secrets_and_names_of_the_site(tmp_path: Path) -> None:
    said(tmp_path, "2026-01-01T00:00:00Z very-secret on machine-of-acme at 10.1.2.3, password=hunter2hunter2\n")
    text = (tmp_path / "logs" / "story" / f"{POD}.kserve-container.log").read_text(encoding="utf-8")
    assert text == "2026-01-01T00:00:00Z redacted on node-1 at address-1, password=redacted\n"


def test_a_long_log_is_kept_from_its_end(tmp_path: Path) -> None:
    said(tmp_path, "".join(f"2026-01-01T00:00:00Z line {number} {'x' * 90}\n" for number in range(2000)))
    data = (tmp_path / "logs" / "story" / f"{POD}.kserve-container.log").read_bytes()
    assert len(data) == LOG_BYTES
    assert b"line 1999" in data


def test_a_log_drives_no_terminal(tmp_path: Path) -> None:
    said(tmp_path, "2026-01-01T00:00:00Z \x1b[2J\u202ehello\n")
    text = (tmp_path / "logs" / "story" / f"{POD}.kserve-container.log").read_text(encoding="utf-8")
    assert text == "2026-01-01T00:00:00Z \ufffd[2J\ufffdhello\n"


@pytest.mark.parametrize("name", ["/../../outside", "a/b", "..", "x" * 300, "\n"])
def test_a_container_names_no_file_of_its_own(tmp_path: Path, name: str) -> None:
    assert said(tmp_path / "here", "2026-01-01T00:00:00Z hello\n", serving=name).asked == []
    assert not list(tmp_path.rglob("*.log"))


def test_a_pod_that_never_got_ready_is_heard_with_all_its_containers(tmp_path: Path) -> None:
    assert said(tmp_path / "well", "2026-01-01T00:00:00Z hello\n").asked == ["kserve-container"]
    unwell = said(tmp_path / "unwell", "2026-01-01T00:00:00Z hello\n", ready=False)
    assert unwell.asked == ["storage-initializer", "queue-proxy", "kserve-container"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z hello",
        '2026-01-01T00:00:00Z {"pod": 1',
        '2026-01-01T00:00:00Z {"pod": "a"}',
        'yesterday {"pod":"a","kind":"model","in_flight":0,"high_water":0,"served":0,"devices":[],"requests":[]}',
        '2026-01-01T00:00:00Z {"pod":"a","kind":"model","in_flight":1e999,"high_water":0,"served":0,"devices":[],'
        '"requests":[]}',
        "2026-01-01T00:00:00Z " + '{"pod":' + "[" * 100_000,
    ],
)
def test_what_is_no_account_is_a_line_of_the_log(text: str) -> None:
    assert account(text) is None
