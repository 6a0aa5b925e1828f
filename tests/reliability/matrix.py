"""Every trouble against an honest and a broken platform: what the suite said, and whether that was right."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.base.clock import Clock, run_virtual, virtual_clock
from conformance.base.http.exchange import Handler
from conformance.catalogue.scenario import scenarios
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.judging import judge_run
from conformance.kube.cluster import Cluster, Provider
from conformance.recording.run_record import Implementation, Run
from conformance.run.campaign import Campaign
from conformance.run.context import Conditions
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.progress import Progress
from conformance.run.progress_event import ProgressEvent
from conformance.settings.settings import Budgets
from tests.reliability.weather import Trouble, TroubledProvider

SCENARIO: Final = "target-concurrency"
LOAD_START: Final = 23.0
"""About when the load begins: 11 s to Ready, 10 s to settle, and some."""

TROUBLES: Final = (
    Trouble("none"),
    Trouble("API server restarts for 4 s under load", LOAD_START + 5, 4, refuse=True),
    Trouble("API server restarts for 4 s while deploying", 3, 4, refuse=True),
    Trouble("API server gone for 60 s", LOAD_START + 5, 60, refuse=True),
    Trouble("watches cut at random", 0, 1000, cut_every=4),
    Trouble("watches expire (410)", LOAD_START, 20, expire=True),
    Trouble("429 with Retry-After while deploying", 0, 5, status=429, retry_after=2),
    Trouble("429 under load", LOAD_START + 5, 8, status=429, retry_after=1),
    Trouble("500 for 5 s", LOAD_START, 5, status=500),
    Trouble("slow lists and watches, 3 s", 0, 1000, delay_seconds=3),
    Trouble("token expires in mid-run", LOAD_START + 5, 1000, unauthorized=True),
    Trouble("ingress refuses for 5 s", LOAD_START + 10, 5, ingress="refuse"),
    Trouble("ingress resets for 5 s", LOAD_START + 10, 5, ingress="reset"),
    Trouble("ingress stalls for 8 s", LOAD_START + 10, 8, ingress="stall"),
)
BROKEN: Final = "target-doubled"
"""The broken platform of the second column; `TELLTALE` must never pass on it."""
TELLTALE: Final = ("CON-001", "CON-002")

_NOBODY: Final = Implementation("tests", "weather", "https://example.org/", "1", ("tests",))


class Silent(Progress):
    """Tells nobody."""

    def line(self, text: str) -> None:
        return

    def finish(self, name: str, outcome: str) -> None:
        return

    def update(self, name: str, news: ProgressEvent) -> None:
        return


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the suite made of one trouble."""

    trouble: Trouble
    ended: str
    reason: str
    judgements: Mapping[str, Judgement]
    seconds: float

    def counts(self) -> Counter[str]:
        return Counter(entry.verdict.value for entry in self.judgements.values() if entry.scenario == SCENARIO)

    def of(self, verdict: Verdict) -> list[str]:
        return sorted(name for name, entry in self.judgements.items() if entry.verdict is verdict)


def handler_of(cluster: Cluster) -> Handler:
    """The ingress of a platform in the same process."""
    assert cluster.ingress.handler is not None
    return cluster.ingress.handler


def meet(trouble: Trouble, folder: Path, fault: str | None = None) -> Outcome:
    """Run and judge the documented example in one kind of weather."""
    return meet_platform(lambda clock: TroubledProvider(clock, trouble, fault), folder, trouble, fault)


def meet_platform(
    provider: Callable[[Clock], Provider], folder: Path, trouble: Trouble = TROUBLES[0], fault: str | None = None
) -> Outcome:
    """Run and judge the documented example on a platform in virtual time."""
    begun = time.perf_counter()
    folder.mkdir(parents=True)

    async def main() -> Run:
        clock = virtual_clock()
        draft = Run(
            id="20260101-0000-weather",
            command="weather",
            seed=1,
            clock="virtual",
            provider="embedded",
            started_wall=clock.wall(),
            finished_wall=0.0,
            suite_version="0.1.0",
            source_digest="sha256:" + "0" * 64,
            implementation=_NOBODY,
            environment={},
            settings={},
            profiles=("serving-core", "autoscaling-kpa"),
            features=(),
            selected=(SCENARIO,),
            fault=fault,
        )
        campaign = Campaign(
            draft,
            folder,
            [scenarios()[SCENARIO]],
            provider(clock),
            lambda cluster: InProcessGenerator(handler_of(cluster), clock),
            clock=clock,
            conditions=Conditions(draft.id, draft.seed, draft.suite_version),
            budgets=Budgets(),
            progress=Silent(),
        )
        return (await campaign.run()).run

    run = run_virtual(main())
    judgements = {entry.requirement: entry for entry in judge_run(folder).judgements}
    (scenario,) = run.scenarios
    return Outcome(trouble, scenario.outcome, scenario.reason, judgements, time.perf_counter() - begun)
